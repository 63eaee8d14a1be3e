//! What an expression may ask of the world outside its template, given as values.

use super::expression::Expression;
use crate::resource_id::ResourceId;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// What the scope functions answer, and where the deployment goes. The values are what `subscription()` and its like
/// give; `null` where a function makes no sense at the scope, which then is an error of the template that calls it.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Where the resources go: a group, a subscription, a management group or `/`.
    pub scope: ResourceId,
    /// `subscription()`.
    pub subscription: Value,
    /// `resourceGroup()`.
    pub resource_group: Value,
    /// `managementGroup()`.
    pub management_group: Value,
    /// `tenant()`.
    pub tenant: Value,
    /// `deployment()`.
    pub deployment: Value,
    /// `deployer()`.
    pub deployer: Value,
    /// `environment()`.
    pub environment: Value,
    /// `utcNow()`.
    pub utc_now: Timestamp,
    /// What the values of `newGuid()` are made from: a random one for each deployment.
    pub guid_seed: Uuid,
}

impl Surroundings {
    /// Surroundings of a deployment to a resource group, with the least that the scope functions must answer.
    pub fn of_group(subscription: &str, group: &str, location: &str, now: Timestamp, seed: Uuid) -> Self {
        let scope = ResourceId::of_group(subscription, group);
        Self {
            subscription: json!({
                "id": format!("/subscriptions/{subscription}"),
                "subscriptionId": subscription,
            }),
            resource_group: json!({
                "id": scope.to_string(),
                "name": group,
                "type": "Microsoft.Resources/resourceGroups",
                "location": location,
                "properties": { "provisioningState": "Succeeded" },
            }),
            management_group: Value::Null,
            tenant: json!({}),
            deployment: json!({}),
            deployer: Value::Null,
            environment: json!({}),
            utc_now: now,
            guid_seed: seed,
            scope,
        }
    }

    /// The scope as the beginning of an id: empty for the tenant.
    pub(crate) fn prefix(&self) -> String {
        let text = self.scope.to_string();
        text.strip_suffix('/').map(str::to_owned).unwrap_or(text)
    }
}

/// Something that must be looked up before an expression has a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Need {
    /// `reference(id)`: the resource's `properties`, or with `full` the whole resource.
    Reference {
        /// The resource's full id.
        id: String,
        /// As the template gives it; none when the resource is of the template, whose own version counts.
        api_version: Option<String>,
        /// Whether the whole resource is meant.
        full: bool,
    },
    /// `listKeys(id)` and its like: what `POST {id}/{function}` answers.
    List {
        /// `listKeys`.
        function: String,
        /// The resource's full id.
        id: String,
        /// As the template gives it.
        api_version: String,
        /// The body to send.
        body: Option<Value>,
    },
}

impl Need {
    /// The id of the resource that is asked.
    pub fn id(&self) -> &str {
        match self {
            Self::Reference { id, .. } | Self::List { id, .. } => id,
        }
    }

    /// What an answer is kept under.
    fn key(&self) -> String {
        match self {
            Self::Reference { id, api_version, full } => {
                format!("{full} {} {}", api_version.as_deref().unwrap_or_default(), id.to_ascii_lowercase())
            }
            Self::List { function, id, api_version, body } => {
                let body = body.as_ref().map(Value::to_string).unwrap_or_default();
                format!("{} {api_version} {} {body}", function.to_ascii_lowercase(), id.to_ascii_lowercase())
            }
        }
    }
}

/// What is known of other resources while a template is evaluated.
pub trait Runtime {
    /// The answer to a need; none when it is not known yet.
    fn answer(&self, need: &Need) -> Option<Value>;
}

/// A [`Runtime`] of answers that were collected before.
#[derive(Clone, Default)]
pub struct Answers(HashMap<String, Value>);

impl Answers {
    /// Adds an answer.
    pub fn insert(&mut self, need: &Need, answer: Value) {
        self.0.insert(need.key(), answer);
    }
}

impl Runtime for Answers {
    fn answer(&self, need: &Need) -> Option<Value> {
        self.0.get(&need.key()).cloned()
    }
}

impl std::fmt::Debug for Answers {
    /// Without the answers: keys are among them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Answers").field(&self.0.len()).finish()
    }
}

/// What a template says of a resource that an expression names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub id: String,
    pub api_version: String,
}

/// A function of a template's own.
#[derive(Clone, Debug)]
pub(crate) struct OwnFunction {
    pub parameters: Vec<String>,
    pub output: OwnOutput,
}

/// What a template's own function gives.
#[derive(Clone, Debug)]
pub(crate) enum OwnOutput {
    Expression(Expression),
    Value(Value),
}
