//! Why a rule cannot run here, although nothing is wrong with it.

/// The reason, in words for whoever brought the rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    /// An event query language rule.
    #[error("it is written in EQL, which is not read here; query, new_terms and threshold rules in KQL are")]
    Eql,
    /// A piped query.
    #[error(
        "it is written in ES|QL, which is not read here; query, new_terms and threshold rules in KQL are"
    )]
    Esql,
    /// A job that learns what is usual.
    #[error("it needs the anomaly job of a machine-learning node, and there is none here")]
    MachineLearning,
    /// A join with indicators.
    #[error("it compares events with an index of threat indicators, and there is none here")]
    ThreatMatch,
    /// A query that stands somewhere else.
    #[error("its query is saved in Kibana and not in the rule; export it as a query rule")]
    SavedQuery,
    /// A kind that nobody here knows.
    #[error("its type '{0}' is not known here; query, new_terms and threshold are")]
    Kind(String),
    /// Another query language.
    #[error("its query is written in '{0}'; only kuery (KQL) is read here")]
    Language(String),
    /// Where to look stands somewhere else.
    #[error("it looks at the data view '{0}', which lives in Kibana; name index patterns instead")]
    DataView(String),
    /// Filters beside the query.
    #[error("it has {0} filters in the query DSL beside its query; write them into the query")]
    Filters(usize),
    /// An exception that refers to a value list.
    #[error(
        "its exception '{item}' refers to the value list '{list}', which lives in Kibana; name the values in the exception"
    )]
    ValueList {
        /// The exception.
        item: String,
        /// The list.
        list: String,
    },
    /// An exception entry of a kind that nobody here knows.
    #[error("its exception '{item}' has an entry of the type '{kind}', which is not known here")]
    ExceptionEntry {
        /// The exception.
        item: String,
        /// The entry's type.
        kind: String,
    },
}

impl Unsupported {
    /// A word for the reason, for counting and filtering.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Eql => "eql",
            Self::Esql => "esql",
            Self::MachineLearning => "machine_learning",
            Self::ThreatMatch => "threat_match",
            Self::SavedQuery => "saved_query",
            Self::Kind(_) => "type",
            Self::Language(_) => "language",
            Self::DataView(_) => "data_view",
            Self::Filters(_) => "filters",
            Self::ValueList { .. } => "value_list",
            Self::ExceptionEntry { .. } => "exception_entry",
        }
    }
}
