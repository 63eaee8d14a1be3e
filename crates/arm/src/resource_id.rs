//! Resource ids and request paths: parsing, printing, comparing, walking up the scopes.
//!
//! Fixed segments are matched in any case and printed in ARM's own; names keep the case in which they came. Two ids are
//! equal when they differ in case only (contract section 1).

use percent_encoding::percent_decode_str;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Longest name of a resource or group, characters.
pub const NAME_LIMIT: usize = 260;
/// Longest path that is parsed, bytes.
pub const PATH_LIMIT: usize = 4096;

/// The id of a resource, a resource group, a subscription, or of the tenant root (`/`).
#[derive(Clone, Debug, Default)]
pub struct ResourceId {
    subscription: Option<String>,
    group: Option<String>,
    providers: Vec<Provider>,
}

/// One `providers/{namespace}/{type}/{name}…` stretch of an id. An extension resource has several.
#[derive(Clone, Debug)]
struct Provider {
    namespace: String,
    pairs: Vec<(String, String)>,
}

/// A request path: an id, and the odd segment behind it, which is a collection's type or a verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArmPath {
    /// The resource, or what the collection hangs under.
    pub id: ResourceId,
    /// `virtualMachines` of a list, `start` of an action; none when the path names a resource.
    pub tail: Option<String>,
}

/// Why a path is not an ARM path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Longer than [`PATH_LIMIT`].
    #[error("the path is longer than {PATH_LIMIT} bytes")]
    TooLong,
    /// Percent-decoding does not give UTF-8.
    #[error("the path is not UTF-8")]
    NotUtf8,
    /// An empty segment, `.`, `..`, a control character, or one of `\ ? # %` in a segment.
    #[error("the segment '{0}' is not a valid name")]
    Segment(String),
    /// A path that starts with none of `/subscriptions`, `/providers`, `/tenants`.
    #[error("the path starts with none of /subscriptions, /providers, /tenants")]
    Root,
    /// `providers` without a namespace behind it.
    #[error("'providers' is not followed by a namespace")]
    Namespace,
}

impl ArmPath {
    /// Parses a request's path (percent-encoded, without query). A leading double slash is accepted, as clients send it.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        if path.len() > PATH_LIMIT {
            return Err(PathError::TooLong);
        }
        let decoded = percent_decode_str(path).decode_utf8().map_err(|_| PathError::NotUtf8)?;
        let trimmed = decoded.trim_start_matches('/');
        let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
        let mut segments = trimmed.split('/').peekable();
        if trimmed.is_empty() {
            return Ok(Self { id: ResourceId::default(), tail: None });
        }
        let mut id = ResourceId::default();
        match segments.peek() {
            Some(s) if s.eq_ignore_ascii_case("subscriptions") => {
                segments.next();
                match segments.next() {
                    None => return Ok(Self { id, tail: Some("subscriptions".into()) }),
                    Some(s) => id.subscription = Some(name(s)?),
                }
                if segments.peek().is_some_and(|s| s.eq_ignore_ascii_case("resourceGroups")) {
                    segments.next();
                    match segments.next() {
                        None => return Ok(Self { id, tail: Some("resourceGroups".into()) }),
                        Some(s) => id.group = Some(name(s)?),
                    }
                }
            }
            Some(s) if s.eq_ignore_ascii_case("providers") => {}
            Some(s) if s.eq_ignore_ascii_case("tenants") && !trimmed.contains('/') => {
                return Ok(Self { id, tail: Some("tenants".into()) });
            }
            _ => return Err(PathError::Root),
        }
        let mut tail = None;
        while let Some(segment) = segments.next() {
            if segment.eq_ignore_ascii_case("providers") {
                match segments.next() {
                    Some(namespace) => {
                        id.providers.push(Provider { namespace: name(namespace)?, pairs: Vec::new() });
                    }
                    // The list of the providers themselves.
                    None if id.group.is_none() && id.providers.is_empty() => tail = Some("providers".into()),
                    None => return Err(PathError::Namespace),
                }
                continue;
            }
            let kind = name(segment)?;
            if id.providers.is_empty() && kind.eq_ignore_ascii_case("deployments") {
                // The older form without the provider, as the CLI sends it for a deployment's operations.
                id.providers.push(Provider { namespace: "Microsoft.Resources".into(), pairs: Vec::new() });
            }
            let instance = match segments.peek() {
                Some(s) if !s.eq_ignore_ascii_case("providers") => segments.next(),
                _ => None,
            };
            match (instance, id.providers.last_mut()) {
                (Some(instance), Some(provider)) => provider.pairs.push((kind, name(instance)?)),
                (None, _) if segments.peek().is_none() => tail = Some(kind),
                _ => return Err(PathError::Segment(kind)),
            }
        }
        Ok(Self { id, tail })
    }
}

impl ResourceId {
    /// Parses an id as it stands in a body; it must name a resource, a group, a subscription or `/`.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = ArmPath::parse(text)?;
        match path.tail {
            None => Ok(path.id),
            Some(tail) => Err(PathError::Segment(tail)),
        }
    }

    /// `/`: the tenant.
    pub fn root() -> Self {
        Self::default()
    }

    /// `/subscriptions/{subscription}`.
    pub fn of_subscription(subscription: &str) -> Self {
        Self { subscription: Some(subscription.into()), ..Self::default() }
    }

    /// `/subscriptions/{subscription}/resourceGroups/{group}`.
    pub fn of_group(subscription: &str, group: &str) -> Self {
        Self { subscription: Some(subscription.into()), group: Some(group.into()), providers: Vec::new() }
    }

    /// This id as the parent of `providers/{namespace}/{kind}/{name}`. `resource_type` is `Namespace/kind` of one level.
    #[must_use]
    pub fn extension(&self, resource_type: &str, name: &str) -> Self {
        let (namespace, kind) = resource_type.split_once('/').unwrap_or((resource_type, ""));
        let mut id = self.clone();
        id.providers.push(Provider { namespace: namespace.into(), pairs: vec![(kind.into(), name.into())] });
        id
    }

    /// The resource `{kind}/{name}` below this one.
    #[must_use]
    pub fn child(&self, kind: &str, name: &str) -> Self {
        let mut id = self.clone();
        if let Some(last) = id.providers.last_mut() {
            last.pairs.push((kind.into(), name.into()));
        }
        id
    }

    /// The subscription's id, as it came.
    pub fn subscription(&self) -> Option<&str> {
        self.subscription.as_deref()
    }

    /// The resource group's name, as it came.
    pub fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    /// The namespace of the last provider: `Microsoft.Compute`.
    pub fn namespace(&self) -> Option<&str> {
        self.providers.last().map(|p| p.namespace.as_str())
    }

    /// The resource's own name; of a group or subscription, that.
    pub fn name(&self) -> &str {
        match self.providers.last().and_then(|p| p.pairs.last()) {
            Some((_, name)) => name,
            None => self.group.as_deref().or(self.subscription.as_deref()).unwrap_or(""),
        }
    }

    /// The names below the last provider, outermost first: of a scale set's instance the set's and the instance's.
    pub fn names(&self) -> Vec<String> {
        self.providers
            .last()
            .map(|p| p.pairs.iter().map(|(_, name)| name.clone()).collect())
            .unwrap_or_default()
    }

    /// The full type, `Microsoft.Compute/virtualMachines`, in the case in which it came. Empty for `/`.
    pub fn resource_type(&self) -> String {
        match (self.providers.last(), &self.group, &self.subscription) {
            (Some(p), _, _) => {
                p.pairs.iter().fold(p.namespace.clone(), |text, (kind, _)| format!("{text}/{kind}"))
            }
            (None, Some(_), _) => "Microsoft.Resources/subscriptions/resourceGroups".into(),
            (None, None, Some(_)) => "Microsoft.Resources/subscriptions".into(),
            (None, None, None) => String::new(),
        }
    }

    /// The id with its lower-cased text, by which ids are compared and stored.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }

    /// The id without a provider that names no resource, as stands in the path of a list: the scope of the list.
    #[must_use]
    pub fn scope(&self) -> Self {
        let mut id = self.clone();
        while id.providers.last().is_some_and(|p| p.pairs.is_empty()) {
            id.providers.pop();
        }
        id
    }

    /// What this id hangs under: the parent resource, the group, the subscription, `/`; none for `/`.
    pub fn parent(&self) -> Option<Self> {
        let mut id = self.clone();
        if let Some(last) = id.providers.last_mut() {
            if last.pairs.pop().is_none() || last.pairs.is_empty() {
                id.providers.pop();
            }
            return Some(id);
        }
        if id.group.take().is_some() || id.subscription.take().is_some() {
            return Some(id);
        }
        None
    }

    /// This id and everything above it, nearest first, ending with `/`: the scopes where a role assignment counts.
    pub fn scopes(&self) -> Vec<Self> {
        std::iter::successors(Some(self.clone()), Self::parent).collect()
    }

    /// Whether `self` is `other` or lies above it.
    pub fn contains(&self, other: &Self) -> bool {
        let (mine, theirs) = (self.key(), other.key());
        mine == "/"
            || theirs == mine
            || theirs.strip_prefix(mine.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The resource that an extension resource hangs on (the VM of a serial port); `self` if it is not an extension.
    #[must_use]
    pub fn extended(&self) -> Self {
        let mut id = self.clone();
        if id.providers.len() > 1 {
            id.providers.pop();
        }
        id
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(subscription) = &self.subscription {
            write!(f, "/subscriptions/{subscription}")?;
        }
        if let Some(group) = &self.group {
            write!(f, "/resourceGroups/{group}")?;
        }
        for provider in &self.providers {
            write!(f, "/providers/{}", provider.namespace)?;
            for (kind, name) in &provider.pairs {
                write!(f, "/{kind}/{name}")?;
            }
        }
        if self.subscription.is_none() && self.providers.is_empty() {
            f.write_str("/")?;
        }
        Ok(())
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for ResourceId {}

impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

fn name(segment: &str) -> Result<String, PathError> {
    let bad = segment.is_empty()
        || segment == "."
        || segment == ".."
        || segment.chars().count() > NAME_LIMIT
        || segment.chars().any(|c| c.is_control() || matches!(c, '\\' | '?' | '#' | '%'));
    if bad { Err(PathError::Segment(segment.chars().take(80).collect())) } else { Ok(segment.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VM: &str = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1";

    fn check(path: &str, id: &str, kind: &str, tail: Option<&str>) {
        let parsed = ArmPath::parse(path).unwrap();
        assert_eq!(parsed.id.to_string(), id, "{path}");
        assert_eq!(parsed.id.resource_type(), kind, "{path}");
        assert_eq!(parsed.tail.as_deref(), tail, "{path}");
    }

    #[test]
    fn paths() {
        check("/", "/", "", None);
        check("/subscriptions", "/", "", Some("subscriptions"));
        check("/Tenants", "/", "", Some("tenants"));
        check("/providers/", "/", "", Some("providers"));
        check(
            "/subscriptions/s1/Providers",
            "/subscriptions/s1",
            "Microsoft.Resources/subscriptions",
            Some("providers"),
        );
        check("//subscriptions/s1/", "/subscriptions/s1", "Microsoft.Resources/subscriptions", None);
        let group = "Microsoft.Resources/subscriptions/resourceGroups";
        check("/subscriptions/s1/resourcegroups/RG", "/subscriptions/s1/resourceGroups/RG", group, None);
        check(VM, VM, "Microsoft.Compute/virtualMachines", None);
        check(&format!("{VM}/start"), VM, "Microsoft.Compute/virtualMachines", Some("start"));
        let list = "/subscriptions/s1/providers/Microsoft.Compute";
        check(&format!("{list}/virtualMachines"), list, "Microsoft.Compute", Some("virtualMachines"));
        let old = "/subscriptions/s1/resourcegroups/g/deployments/d/operations";
        let new = "/subscriptions/s1/resourceGroups/g/providers/Microsoft.Resources/deployments/d";
        check(old, new, "Microsoft.Resources/deployments", Some("operations"));
        let port = format!("{VM}/providers/Microsoft.SerialConsole/serialPorts/0");
        check(&format!("{port}/connect"), &port, "Microsoft.SerialConsole/serialPorts", Some("connect"));
    }

    #[test]
    fn encoded_slashes_are_decoded_before_splitting() {
        let path = "/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/ss%2FvirtualMachines%2F0/providers/Microsoft.SerialConsole/serialPorts/0/connect";
        let parsed = ArmPath::parse(path).unwrap();
        assert_eq!(
            parsed.id.extended().resource_type(),
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"
        );
    }

    #[test]
    fn what_is_no_path() {
        for path in ["/etc/passwd", "/subscriptions/..", "/subscriptions/a%00b", "/subscriptions//x", "/x%ff"]
        {
            assert!(ArmPath::parse(path).is_err(), "{path}");
        }
        assert_eq!(ArmPath::parse(&"/a".repeat(3000)), Err(PathError::TooLong));
        let group = "/subscriptions/s/resourceGroups/g/providers";
        assert_eq!(ArmPath::parse(group), Err(PathError::Namespace));
        assert_eq!(ArmPath::parse("/tenants/t"), Err(PathError::Root));
    }

    #[test]
    fn scopes_go_up_to_the_tenant() {
        let id = ResourceId::parse(VM).unwrap().extension("Microsoft.SerialConsole/serialPorts", "0");
        let scopes: Vec<_> = id.scopes().iter().map(ToString::to_string).collect();
        assert_eq!(
            scopes,
            [
                format!("{VM}/providers/Microsoft.SerialConsole/serialPorts/0").as_str(),
                VM,
                "/subscriptions/s1/resourceGroups/rg",
                "/subscriptions/s1",
                "/"
            ]
        );
        assert!(ResourceId::root().contains(&id));
        assert!(ResourceId::of_group("S1", "RG").contains(&id));
        assert!(!ResourceId::of_group("s1", "r").contains(&id));
    }

    proptest! {
        #[test]
        fn printing_and_parsing_agree(path in "[ -~é]{0,60}") {
            if let Ok(parsed) = ArmPath::parse(&path)
                && parsed.id.providers.iter().all(|p| !p.pairs.is_empty())
            {
                prop_assert_eq!(ResourceId::parse(&parsed.id.to_string()).unwrap(), parsed.id);
            }
        }
    }
}
