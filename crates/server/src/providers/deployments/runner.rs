//! Carrying out a deployment: its nodes in order, several at a time, each after all that it depends on.

use super::errand;
use super::lookup;
use super::preflight;
use super::prepared::Prepared;
use super::put::begin;
use crate::auth::Caller;
use crate::clock::micros;
use crate::jobs;
use crate::pipeline::{self, Cx, store_error};
use crate::record::Outcome;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hardline_arm::error::ArmError;
use hardline_arm::models::deployment::{self, Mode, Target};
use hardline_arm::operation::OperationId;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_arm::template::deployment::Node;
use hardline_store::db::async_operations;
use hardline_store::db::deployments::{self, DeploymentOperation};
use hardline_store::db::resources::{self, ResourceFilter};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;

/// Most resources that one deployment works on at a time.
const AT_ONCE: usize = 8;
/// How often it is said that a deployment is still being carried out, and asked whether it is wanted still.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// Resources of a group that are read at a time.
const PAGE: i64 = 1_000;

/// A deployment that has begun.
pub(super) struct Runner {
    cx: Cx,
    caller: Caller,
    prepared: Prepared,
    run: String,
    document: Value,
    depth: usize,
}

impl Runner {
    pub fn new(
        cx: Cx,
        caller: Caller,
        prepared: Prepared,
        run: String,
        document: Value,
        depth: usize,
    ) -> Self {
        Self { cx, caller, prepared, run, document, depth }
    }

    /// Until it has ended, or is not wanted any more. What went wrong stands in the record, and is given to a deployment around
    /// this one.
    pub fn carry_out(self) -> BoxFuture<'static, Result<(), ArmError>> {
        Box::pin(async move {
            let result = tokio::select! {
                result = self.deploy() => result,
                () = self.until_unwanted() => {
                    return Err(ArmError::new(StatusCode::CONFLICT, "DeploymentCanceled", "The deployment was canceled."));
                }
            };
            self.finish(&result).await.map_err(store_error)?;
            result.map(|_| ())
        })
    }

    fn id(&self) -> &ResourceId {
        &self.prepared.id
    }

    async fn until_unwanted(&self) {
        loop {
            tokio::time::sleep(BEAT).await;
            let said = async {
                let mut tx = self.cx.state.store.begin().await?;
                let now = micros(self.cx.state.clock.now());
                let wanted = deployments::beat(&mut tx, &self.id().key(), &self.run, now).await?;
                tx.commit().await?;
                Ok::<_, hardline_store::StoreError>(wanted)
            };
            match said.await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a deployment's beat was not written"
                    );
                }
            }
        }
    }

    /// Everything; the outputs.
    async fn deploy(&self) -> Result<Value, ArmError> {
        self.nodes().await.map_err(|causes| deployment::failure(self.id(), &causes))?;
        if self.prepared.mode == Mode::Complete {
            self.remove_others().await.map_err(|causes| deployment::failure(self.id(), &causes))?;
        }
        let outputs = lookup::outputs(&self.cx, &self.caller, &self.prepared.plan).await;
        let at = self.cx.state.clock.now().to_string();
        let id = self.operation_id();
        let shown = outputs.as_ref().map(|_| StatusCode::OK);
        let body = deployment::outcome_operation(self.id(), &id, &at, shown);
        self.note(&id, usize::MAX, &body).await?;
        outputs.map_err(|cause| deployment::failure(self.id(), &[cause]))
    }

    /// All nodes. After a failure nothing new is begun; what is under way comes to its end.
    async fn nodes(&self) -> Result<(), Vec<ArmError>> {
        let nodes = &self.prepared.plan.nodes;
        let mut missing: Vec<usize> = nodes.iter().map(|node| node.depends_on.len()).collect();
        let mut ready: VecDeque<usize> = (0..nodes.len()).filter(|&at| missing.get(at) == Some(&0)).collect();
        let mut under_way = FuturesUnordered::new();
        let mut failures = Vec::new();
        loop {
            while failures.is_empty() && under_way.len() < AT_ONCE {
                let Some(at) = ready.pop_front() else { break };
                under_way.push(async move { (at, self.node(at).await) });
            }
            let Some((done, result)) = under_way.next().await else { break };
            if let Err(failure) = result {
                failures.push(failure);
                continue;
            }
            for (at, node) in nodes.iter().enumerate() {
                let freed = node.depends_on.iter().filter(|&&on| on == done).count();
                let Some(left) = missing.get_mut(at).filter(|_| freed > 0) else { continue };
                *left -= freed;
                if *left == 0 {
                    ready.push_back(at);
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    fn operation_id(&self) -> String {
        let (high, _) = self.cx.state.random.uuid().as_u64_pair();
        format!("{high:016X}")
    }

    /// One node, with its operation.
    async fn node(&self, at: usize) -> Result<(), ArmError> {
        let Some(node) = self.prepared.plan.nodes.get(at) else { return Ok(()) };
        if !node.condition || node.existing {
            return Ok(());
        }
        let id = self.operation_id();
        let tracking = self.cx.state.random.uuid().to_string();
        let began = micros(self.cx.state.clock.now());
        let operation = |outcome: Option<Result<StatusCode, &ArmError>>| {
            let now = self.cx.state.clock.now();
            let target = Target { id: &node.id, resource_type: &node.resource_type, name: &node.name };
            let times = (began, micros(now), &*now.to_string());
            deployment::operation(self.id(), &id, &target, &tracking, times, outcome)
        };
        self.note(&id, at, &operation(None)).await?;
        let result = self.make(node, at).await;
        self.note(&id, at, &operation(Some(result.as_ref().map(|s| *s)))).await?;
        result.map(|_| ())
    }

    /// Makes what a node says; the status of the answer.
    async fn make(&self, node: &Node, at: usize) -> Result<StatusCode, ArmError> {
        let body = lookup::body(&self.cx, &self.caller, &self.prepared.plan, at).await?;
        if node.nested.is_some() {
            return self.nested(node, body).await;
        }
        let version = node.api_version.as_str();
        errand::carry_out(&self.cx, &self.caller, Method::PUT, &node.id, version, Some(&body)).await
    }

    /// A deployment inside this one: authorised, recorded and shown as its own.
    async fn nested(&self, node: &Node, body: Value) -> Result<StatusCode, ArmError> {
        let cx = self.cx.within(Method::PUT, &node.id, &node.api_version)?;
        let path = ArmPath::parse(&cx.facts.path).map_err(|e| ArmError::invalid_path(&e))?;
        let operation = hardline_arm::operations::get(OperationId::DeploymentPut);
        let allowed = pipeline::authorise(&cx, &self.caller, operation, path).await?;
        let template = body.pointer("/properties/template").unwrap_or(&Value::Null);
        let hash = deployment::template_hash(template);
        let plan = preflight::nested(&cx, &self.caller, &self.prepared.plan, node, body).await?;
        preflight::check(&cx, &self.caller, &plan, self.depth + 1).await?;
        let id = allowed.path.id.clone();
        let prepared =
            Prepared { id, mode: Mode::Incremental, plan, hash, link: None, tags: None, location: None };
        let (_, runner) = begin(&cx, &allowed, prepared, self.depth + 1).await?;
        runner.carry_out().await?;
        Ok(StatusCode::OK)
    }

    /// Mode `Complete`: deletes what the group holds and the template does not name. What others still use is tried again
    /// after they are gone.
    async fn remove_others(&self) -> Result<(), Vec<ArmError>> {
        loop {
            let others = self.others().await.map_err(|error| vec![error])?;
            if others.is_empty() {
                return Ok(());
            }
            let (mut failures, mut removed) = (Vec::new(), false);
            for id in &others {
                let version = "2024-11-01";
                match errand::carry_out(&self.cx, &self.caller, Method::DELETE, id, version, None).await {
                    Ok(_) => removed = true,
                    Err(error) => failures.push(error),
                }
            }
            if !removed {
                return Err(failures);
            }
        }
    }

    async fn others(&self) -> Result<Vec<String>, ArmError> {
        let wanted = ResourceFilter {
            subscription: self.id().subscription().unwrap_or(""),
            group: self.id().group(),
            ..ResourceFilter::default()
        };
        if wanted.group.is_none() {
            return Ok(Vec::new());
        }
        let rows = resources::list(&self.cx.state.store, &wanted, PAGE).await.map_err(store_error)?;
        // Children go with what they are part of.
        let top = |id: &str| ResourceId::parse(id).is_ok_and(|id| id.names().len() == 1);
        let named = |id: &str| self.prepared.plan.find(id).is_some();
        Ok(rows.into_iter().map(|r| r.id).filter(|id| top(id) && !named(id)).collect())
    }

    async fn note(&self, id: &str, place: usize, body: &Value) -> Result<(), ArmError> {
        let operation = DeploymentOperation {
            id: id.into(),
            place: i64::try_from(place).unwrap_or(i64::MAX),
            body: body.to_string(),
        };
        let mut tx = self.cx.state.store.begin().await.map_err(store_error)?;
        deployments::put_operation(&mut tx, &self.id().key(), &operation).await.map_err(store_error)?;
        tx.commit().await.map_err(store_error)
    }

    /// Writes how it ended: the deployment, its long-running operation and the end event, in one transaction.
    async fn finish(&self, result: &Result<Value, ArmError>) -> Result<(), hardline_store::StoreError> {
        let now = self.cx.state.clock.now();
        let mut document = self.document.clone();
        let (state, outcome) = match result {
            Ok(_) => ("Succeeded", Outcome::Succeeded(StatusCode::OK)),
            Err(error) => ("Failed", Outcome::Failed(copy(error))),
        };
        if let Some(properties) = document.get_mut("properties").and_then(Value::as_object_mut) {
            properties.insert("provisioningState".into(), json!(state));
            properties.insert("timestamp".into(), json!(now.to_string()));
            let took = micros(now) - micros(self.cx.now);
            properties.insert("duration".into(), json!(deployment::duration(took)));
            match result {
                Ok(outputs) => {
                    properties.insert("outputs".into(), outputs.clone());
                    let made = self.prepared.deployed().map(|id| json!({ "id": id }));
                    properties.insert("outputResources".into(), made.collect());
                }
                Err(error) => {
                    properties.insert("error".into(), error.body());
                }
            }
        }
        let mut tx = self.cx.state.store.begin().await?;
        let text = document.to_string();
        if deployments::update(&mut tx, &self.id().key(), &self.run, state, &text, micros(now)).await?
            && let Some(operation) = async_operations::get(&mut tx, &self.run).await?
        {
            jobs::finish_in(&self.cx.state, &mut tx, &operation, &outcome).await?;
        }
        tx.commit().await
    }
}

/// An error that is both recorded and given on.
fn copy(error: &ArmError) -> ArmError {
    let mut copy = ArmError::new(error.status, error.code.clone(), error.message.clone());
    copy.target.clone_from(&error.target);
    copy.details.clone_from(&error.details);
    copy
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runner")
            .field("id", &self.prepared.id)
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
