//! Which fields of a document are made: whoever looks at few of a million documents' fields need not have all of them made.

/// Fields by their dotted names.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None: all.
    names: Option<Vec<String>>,
}

impl Wanted {
    /// All fields.
    pub const ALL: Self = Self { names: None };

    /// These and all that is below them. More is no fault: a document may hold other fields too.
    pub fn fields(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: Some(names.into_iter().collect()) }
    }

    /// Whether the field is wanted, or one above or below it.
    pub(super) fn takes(&self, name: &str) -> bool {
        let Some(names) = &self.names else { return true };
        names.iter().any(|wanted| {
            let (short, long) =
                if wanted.len() < name.len() { (wanted.as_str(), name) } else { (name, wanted.as_str()) };
            let end = long.as_bytes().get(short.len());
            matches!(end, None | Some(b'.')) && long.starts_with(short)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn above_and_below() {
        let wanted =
            Wanted::fields(["azure.resource".to_owned(), "user.name.text".to_owned(), "a".to_owned()]);
        let table = [
            ("azure.resource", true),
            ("azure.resource.name", true),
            ("azure", true),
            ("azure.resource_group.name", false),
            ("azure.tenant.id", false),
            ("user.name", true),
            ("user.email", false),
            ("a", true),
            ("b", false),
        ];
        for (name, expected) in table {
            assert_eq!((wanted.takes(name), Wanted::ALL.takes(name)), (expected, true), "{name}");
        }
        assert!(!Wanted::fields([]).takes("a"));
    }
}
