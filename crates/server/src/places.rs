//! Where on the internet an address is: databases in MaxMind's format that the operator brings.

use crate::config::PlaceDatabases;
use hardline_arm::activity::{Coordinates, Place};
use maxminddb::Reader;
use maxminddb::geoip2::City;
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;

/// A database, read whole.
type Database = Reader<Vec<u8>>;

/// The databases; without any nothing is known of an address.
#[derive(Default)]
pub struct Places {
    networks: Option<Database>,
    cities: Option<Database>,
}

impl Places {
    /// Reads the databases that the operator named.
    ///
    /// # Errors
    /// In words, which file cannot be read, or is no such database.
    pub fn open(databases: &PlaceDatabases) -> Result<Self, String> {
        let read = |file: &Path| {
            let opened = Reader::open_readfile(file);
            opened.map_err(|error| format!("the database {} cannot be used: {error}", file.display()))
        };
        Ok(Self {
            networks: databases.networks.as_deref().map(read).transpose()?,
            cities: databases.cities.as_deref().map(read).transpose()?,
        })
    }

    /// Whether there is a database of networks (autonomous systems).
    pub fn has_networks(&self) -> bool {
        self.networks.is_some()
    }

    /// Whether there is a database of cities.
    pub fn has_cities(&self) -> bool {
        self.cities.is_some()
    }

    /// What is known of an address; none for what is no address, and where nothing is known. A database that is damaged at
    /// that place knows nothing there.
    pub fn find(&self, address: &str) -> Option<Place> {
        let address: IpAddr = address.parse().ok()?;
        let address = address.to_canonical();
        let network = self.networks.as_ref().and_then(|database| network(database, address));
        let city = self.cities.as_ref().and_then(|database| city(database, address)).unwrap_or_default();
        let (as_number, as_organization) = network.unwrap_or_default();
        Some(Place { as_number, as_organization, ..city }).filter(|place| *place != Place::default())
    }
}

fn network(database: &Database, address: IpAddr) -> Option<(Option<u32>, Option<String>)> {
    // As whatever it is: who makes databases of their own writes numbers as long as they need to be.
    let found = database.lookup(address).ok()?.decode::<Value>().ok()??;
    let number = found.get("autonomous_system_number").and_then(Value::as_u64);
    let organization = found.get("autonomous_system_organization").and_then(Value::as_str);
    Some((number.and_then(|number| u32::try_from(number).ok()), organization.map(str::to_owned)))
}

fn city(database: &Database, address: IpAddr) -> Option<Place> {
    let found = database.lookup(address).ok()?.decode::<City<'_>>().ok()??;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let region = found.subdivisions.first();
    let code = region.and_then(|region| region.iso_code).zip(found.country.iso_code);
    let point = found.location.latitude.zip(found.location.longitude);
    Some(Place {
        continent_name: owned(found.continent.names.english),
        country_iso_code: owned(found.country.iso_code),
        country_name: owned(found.country.names.english),
        region_iso_code: code.map(|(region, country)| format!("{country}-{region}")),
        region_name: owned(region.and_then(|region| region.names.english)),
        city_name: owned(found.city.names.english),
        location: point.map(|(latitude, longitude)| Coordinates { latitude, longitude }),
        ..Place::default()
    })
}

impl std::fmt::Debug for Places {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (networks, cities) = (self.has_networks(), self.has_cities());
        f.debug_struct("Places").field("networks", &networks).field("cities", &cities).finish()
    }
}
