//! Under which URLs a sign-in goes on: ADFS's, which ask for no tenant (contract section 2.2), or Entra's, below the tenant's
//! id. Both lead to the same principals and the same tokens but for their issuer.

use uuid::Uuid;

/// A family of URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// `/adfs/…`.
    Adfs,
    /// `/{tenant}/…`.
    Tenant,
}

/// An endpoint of either family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The openid-configuration.
    Configuration(Authority),
    /// The public half of the signing key.
    Keys,
    /// Where tokens are given out.
    Token,
    /// Where device codes are.
    DeviceCode,
    /// Where a browser begins.
    Authorize,
    /// Where a browser leaves for the outside identity provider.
    Federation,
    /// Where it comes back.
    FederationCallback,
    /// An endpoint of a tenant that is not ours.
    OtherTenant,
}

impl Authority {
    /// The issuer of its tokens, for clients that reach the server at `base_url`.
    pub fn issuer(self, base_url: &str, tenant: Uuid) -> String {
        match self {
            Self::Adfs => format!("{base_url}/adfs"),
            // `az login --tenant NAME` takes the tenant's id from here.
            Self::Tenant => format!("{base_url}/{tenant}/v2.0"),
        }
    }

    /// The family of a request's path.
    pub fn of_path(path: &str) -> Self {
        let first = path.trim_start_matches('/').split('/').next();
        if first == Some("adfs") { Self::Adfs } else { Self::Tenant }
    }
}

/// The endpoint at `/{first}/{rest}`, if there is one. `domain` is the tenant's name.
pub fn endpoint(first: &str, rest: &str, tenant: Uuid, domain: &str) -> Option<Endpoint> {
    let rest = rest.trim_end_matches('/');
    if first == "adfs" {
        return match (in_family(rest, Authority::Adfs), rest.split_once('/')) {
            (Some(found), _) => Some(found),
            // What `az login --tenant NAME` asks to learn the tenant's id.
            (None, Some((name, "v2.0/.well-known/openid-configuration"))) => {
                Some(if is_ours(name, tenant, domain) {
                    Endpoint::Configuration(Authority::Tenant)
                } else {
                    Endpoint::OtherTenant
                })
            }
            _ => None,
        };
    }
    let found = in_family(rest, Authority::Tenant)?;
    if is_ours(first, tenant, domain) {
        return Some(found);
    }
    // Other words may be other things than tenants.
    Uuid::try_parse(first).is_ok().then_some(Endpoint::OtherTenant)
}

fn in_family(rest: &str, family: Authority) -> Option<Endpoint> {
    let (version, rest) = match rest.split_once("v2.0/") {
        Some((before, after)) if family == Authority::Tenant => (true, format!("{before}{after}")),
        _ => (false, rest.to_owned()),
    };
    Some(match rest.as_str() {
        ".well-known/openid-configuration" if version || family == Authority::Adfs => {
            Endpoint::Configuration(family)
        }
        "discovery/keys" => Endpoint::Keys,
        "oauth2/token" => Endpoint::Token,
        "oauth2/devicecode" => Endpoint::DeviceCode,
        "oauth2/authorize" => Endpoint::Authorize,
        // The provider knows one address of ours.
        "oauth2/federation" if family == Authority::Adfs => Endpoint::Federation,
        "oauth2/federation/callback" if family == Authority::Adfs => Endpoint::FederationCallback,
        _ => return None,
    })
}

/// Whether a word names our tenant: its id, its domain, or what stands for any tenant.
fn is_ours(word: &str, tenant: Uuid, domain: &str) -> bool {
    Uuid::try_parse(word).is_ok_and(|id| id == tenant)
        || [domain, "common", "organizations"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_the_same_endpoints() {
        let tenant = Uuid::from_u128(7);
        let at = |path: &str| {
            let (first, rest) = path.split_once('/').unwrap();
            endpoint(first, rest, tenant, "hardline.test")
        };
        let id = tenant.to_string();
        use Endpoint::*;
        for (path, expected) in [
            ("adfs/.well-known/openid-configuration", Some(Configuration(Authority::Adfs))),
            ("adfs/oauth2/token/", Some(Token)),
            ("adfs/oauth2/devicecode", Some(DeviceCode)),
            ("adfs/oauth2/authorize", Some(Authorize)),
            ("adfs/oauth2/federation", Some(Federation)),
            ("adfs/oauth2/federation/callback", Some(FederationCallback)),
            ("common/oauth2/federation", None),
            ("adfs/discovery/keys", Some(Keys)),
            ("adfs/oauth2/v2.0/token", None),
            (
                "adfs/Hardline.test/v2.0/.well-known/openid-configuration",
                Some(Configuration(Authority::Tenant)),
            ),
            ("adfs/elsewhere/v2.0/.well-known/openid-configuration", Some(OtherTenant)),
            ("common/oauth2/v2.0/token", Some(Token)),
            ("organizations/v2.0/.well-known/openid-configuration", Some(Configuration(Authority::Tenant))),
            ("common/blob/x", None),
            ("account/oauth2/token", None),
            ("00000000-0000-0000-0000-000000000008/oauth2/token", Some(OtherTenant)),
        ] {
            assert_eq!(at(path), expected, "{path}");
        }
        for (rest, expected) in [
            ("v2.0/.well-known/openid-configuration", Some(Configuration(Authority::Tenant))),
            ("oauth2/v2.0/token", Some(Token)),
            ("oauth2/token", Some(Token)),
            ("oauth2/v2.0/devicecode", Some(DeviceCode)),
            ("discovery/v2.0/keys", Some(Keys)),
            (".well-known/openid-configuration", None),
        ] {
            assert_eq!(at(&format!("{id}/{rest}")), expected, "{rest}");
        }
    }
}
