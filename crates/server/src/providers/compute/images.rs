//! The images that the hosts have, as Azure's catalogue shows images: `az vm create --image Hardline:hardline-demo:default:latest`
//! asks here before it deploys. The publisher is `Hardline`, the offer the image's name on the hosts.

use super::virtual_machine::find;
use crate::auth::Allowed;
use crate::hosts;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::check_location;
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use hardline_arm::models::vm::SIZES;
use hardline_arm::resource_id::ResourceId;
use http::StatusCode;
use serde_json::{Value, json};

const PUBLISHER: &str = "Hardline";
/// An image on a host has one kind and one version: the file that is there.
const SKU: &str = "default";
const VERSION: &str = "1.0.0";

/// Where a request is in the catalogue: the location and what follows it.
struct Place {
    subscription: String,
    location: String,
    offer: Option<String>,
}

impl Place {
    /// Checks what the path names, from the location down.
    async fn of(cx: &Cx, id: &ResourceId) -> Result<Self, ArmError> {
        let subscription = find_subscription(cx, id).await?.id;
        let names = id.names();
        let [location, rest @ ..] = names.as_slice() else { return Err(missing(&names)) };
        check_location(cx, location, "locations/publishers")?;
        let known = |at: usize, word: &str| rest.get(at).is_none_or(|name| name.eq_ignore_ascii_case(word));
        let good = known(0, PUBLISHER) && known(1, "vmimage") && known(3, SKU) && known(4, VERSION);
        let offer = rest.get(2).cloned();
        if !good {
            return Err(missing(rest));
        }
        if let Some(offer) = &offer
            && !hosts::images(&cx.state).await.map_err(store_error)?.contains(offer)
        {
            return Err(missing(rest));
        }
        Ok(Self { subscription, location: location.clone(), offer })
    }

    fn entry(&self, tail: &str, name: &str) -> Value {
        let base = format!(
            "/Subscriptions/{}/Providers/Microsoft.Compute/Locations/{}",
            self.subscription, self.location
        );
        json!({ "id": format!("{base}/Publishers/{PUBLISHER}{tail}"), "location": self.location, "name": name })
    }

    fn version(&self) -> Value {
        let offer = self.offer.as_deref().unwrap_or("");
        self.entry(&format!("/ArtifactTypes/VMImage/Offers/{offer}/Skus/{SKU}/Versions/{VERSION}"), VERSION)
    }
}

/// Azure's words for an image that is not there.
fn missing(names: &[String]) -> ArmError {
    let part = |at: usize| names.get(at).map_or("", String::as_str);
    let urn = [part(0), part(2), part(3), part(4)].join(":");
    let text = format!(
        "The platform image '{urn}' is not available. The images here are those of the hosts: 'az vm image list-offers -p {PUBLISHER}', sku '{SKU}', version '{VERSION}' or 'latest'."
    );
    ArmError::new(StatusCode::NOT_FOUND, "PlatformImageNotFound", text)
}

/// `…/publishers`: the one.
pub async fn image_publisher_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let place = Place::of(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(json!([place.entry("", PUBLISHER)]))))
}

/// `…/offers`: every image that some host has.
pub async fn image_offer_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let place = Place::of(cx, &allowed.path.id).await?;
    let images = hosts::images(&cx.state).await.map_err(store_error)?;
    let offers =
        images.iter().map(|name| place.entry(&format!("/ArtifactTypes/VMImage/Offers/{name}"), name));
    Ok(cx.read(ArmResponse::ok(offers.collect())))
}

/// `…/skus`: the one.
pub async fn image_sku_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let place = Place::of(cx, &allowed.path.id).await?;
    let offer = place.offer.as_deref().unwrap_or("");
    let sku = place.entry(&format!("/ArtifactTypes/VMImage/Offers/{offer}/Skus/{SKU}"), SKU);
    Ok(cx.read(ArmResponse::ok(json!([sku]))))
}

/// `…/versions`: the one; `$top=0` gives none.
pub async fn image_version_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let place = Place::of(cx, &allowed.path.id).await?;
    let version = if cx.query.expands("properties") { detailed(&place) } else { place.version() };
    Ok(cx.read(ArmResponse::ok(json!([version]))))
}

/// `…/versions/{version}`.
pub async fn image_version_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let place = Place::of(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(detailed(&place))))
}

fn detailed(place: &Place) -> Value {
    let mut version = place.version();
    if let Some(map) = version.as_object_mut() {
        let properties = json!({
            "architecture": "x64",
            "automaticOSUpgradeProperties": { "automaticOSUpgradeSupported": false },
            "dataDiskImages": [],
            "features": [],
            "hyperVGeneration": "V1",
            "osDiskImage": { "operatingSystem": "Linux", "sizeInGb": 1 },
        });
        map.insert("properties".into(), properties);
    }
    version
}

/// `…/locations/{location}/vmSizes`.
pub async fn vm_size_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find_subscription(cx, &allowed.path.id).await?;
    check_location(cx, allowed.path.id.name(), "locations/vmSizes")?;
    Ok(cx.read(ArmResponse::ok(page(sizes(), None))))
}

/// `…/virtualMachines/{name}/vmSizes`: a machine can be given any size.
pub async fn vm_resize_option_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(page(sizes(), None))))
}

fn sizes() -> Vec<Value> {
    let size = SIZES.iter().map(|size| {
        json!({
            "name": size.name,
            "numberOfCores": size.vcpus,
            "memoryInMB": size.memory_mib,
            "osDiskSizeInMB": 0,
            "resourceDiskSizeInMB": 0,
            "maxDataDiskCount": 0,
        })
    });
    size.collect()
}

/// `…/Microsoft.Compute/skus`: the sizes in the form that newer clients read.
pub async fn compute_sku_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    find_subscription(cx, &allowed.path.id).await?;
    let location = &cx.state.config.location;
    let sku = |name: &'static str, vcpus: u32, memory_mib: u32| {
        let (tier, size) = name.split_once('_').unwrap_or(("Standard", name));
        json!({
            "resourceType": "virtualMachines",
            "name": name,
            "tier": tier,
            "size": size,
            "family": format!("{}Family", name.to_ascii_lowercase()),
            "locations": [location],
            "locationInfo": [{ "location": location, "zones": [], "zoneDetails": [] }],
            "capabilities": [
                { "name": "vCPUs", "value": vcpus.to_string() },
                { "name": "MemoryGB", "value": (f64::from(memory_mib) / 1024.0).to_string() },
                { "name": "HyperVGenerations", "value": "V1" },
                { "name": "CpuArchitectureType", "value": "x64" },
            ],
            "restrictions": [],
        })
    };
    let skus = SIZES.iter().map(|s| sku(s.name, s.vcpus, s.memory_mib)).collect();
    Ok(cx.read(ArmResponse::ok(page(skus, None))))
}
