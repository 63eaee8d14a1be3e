//! Where on the internet an address is. The facts come from whoever holds a database of addresses; here they are only shown.

/// What is known of an address. Empty for a private one, and without a database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The number of the autonomous system that announces it.
    pub as_number: Option<u32>,
    /// Who runs that system.
    pub as_organization: Option<String>,
    /// `Europe`.
    pub continent_name: Option<String>,
    /// ISO 3166-1: `NO`.
    pub country_iso_code: Option<String>,
    /// `Norway`.
    pub country_name: Option<String>,
    /// ISO 3166-2: `NO-03`.
    pub region_iso_code: Option<String>,
    /// `Oslo County`.
    pub region_name: Option<String>,
    /// `Oslo`.
    pub city_name: Option<String>,
    /// About where.
    pub location: Option<Coordinates>,
}

/// A point on the globe, degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinates {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}
