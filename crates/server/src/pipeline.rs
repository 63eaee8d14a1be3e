//! The way of every request:
//!
//! ```text
//! identify ──> authenticate ──> authorise ──> perform ──> record
//!  404 405       401 400           403        4xx 5xx      (start and end events)
//! ```
//!
//! Plain function calls, no middleware. Each step hands the next a value that only it can make: [`Caller`] comes from
//! `authenticate`, [`Allowed`] from `authorise`, and a handler can only return a [`Recorded`], which [`Cx::read`] gives for
//! reads of documents and [`Change`] for everything else, after the events stand in the same transaction as the change.
//! Rights are checked before anything is looked up, so that a refusal says nothing about what exists.

use crate::auth::{self, Allowed, Caller};
use crate::clock::micros;
use crate::record::{self, Outcome};
use crate::reply::{ArmResponse, Reply};
use crate::state::State;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use hardline_arm::activity::{Deed, request_body};
use hardline_arm::api_version::ApiVersion;
use hardline_arm::error::ArmError;
use hardline_arm::operation::{Audit, Identified, Operation, OperationId, identify};
use hardline_arm::provider;
use hardline_arm::query::Query;
use hardline_arm::resource_id::ArmPath;
use hardline_store::{StoreError, Tx};
use http::{Method, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use secrecy::SecretString;
use std::net::IpAddr;
use uuid::Uuid;

/// What a request says about itself, apart from its body. Secrets are not shown by `Debug`.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// The method.
    pub method: Method,
    /// The path as it came: percent-encoded, without the query.
    pub path: String,
    /// `https://host:port` as the client wrote it; URLs in the answer start with it.
    pub base_url: String,
    /// The address at the other end of the connection.
    pub client: IpAddr,
    /// `x-ms-client-request-id`.
    pub client_request_id: Option<String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// The token of `Authorization: Bearer …`.
    pub bearer: Option<SecretString>,
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `x-ms-range`, or else `Range`.
    pub range: Option<String>,
    /// The subprotocols offered (perhaps none), when the request asks for a WebSocket.
    pub websocket: Option<Vec<String>>,
}

/// The context of one request.
#[derive(Clone, Debug)]
pub struct Cx {
    /// What all requests share.
    pub state: State,
    /// When the request came; the one time of all its records.
    pub now: Timestamp,
    /// Ties together everything that one act of a person caused; the client's own, if it sent one.
    pub correlation: Uuid,
    /// This request alone (`x-ms-request-id`).
    pub request: Uuid,
    /// Method, addresses, headers.
    pub facts: RequestFacts,
    /// The api-version; none only outside ARM paths.
    pub api_version: Option<ApiVersion>,
    /// The query.
    pub query: Query,
    /// What the body asks for, as the start event tells it; none before it is read.
    pub request_body: Option<String>,
}

/// Proof that what a handler did is recorded as its row demands, with the answer.
#[derive(Debug)]
pub struct Recorded {
    /// An error only where its events are written already.
    reply: Result<Reply, ArmError>,
}

/// A handler's open write: the store's transaction, in which its activity events are written too.
#[derive(Debug)]
pub struct Change<'a> {
    cx: &'a Cx,
    deed: Deed,
    tx: Tx,
}

/// An operation that goes on after its answer (a console session): its end event is still owed.
#[derive(Debug)]
pub struct OpenEvent {
    state: State,
    deed: Deed,
}

/// Runs an ARM request. `body` is read only after the caller has been allowed.
pub async fn handle<B>(cx: &mut Cx, body: B) -> Result<Reply, ArmError>
where
    B: Future<Output = Result<Bytes, ArmError>>,
{
    let path = ArmPath::parse(&cx.facts.path).map_err(|e| ArmError::invalid_path(&e))?;
    let identified = identify(&cx.facts.method, &path);
    // A stranger learns nothing, not even which paths there are: 401 comes before 404 and 405.
    let caller = authenticate(cx).await?;
    let operation = match identified {
        Identified::Operation(operation) => operation,
        Identified::WrongMethod(allowed) => {
            return Err(ArmError::method_not_allowed(&cx.facts.method, &allowed));
        }
        Identified::Unknown => return Err(unknown(&path)),
    };
    cx.api_version = Some(ApiVersion::required(&cx.query)?);
    check_api_version(cx, operation)?;
    let allowed = authorise(cx, &caller, operation, path).await?;
    let body = body.await;
    perform(cx, allowed, body).await
}

/// Runs a row of the table for a path that is not the request's own (a console session's URL stands for its port).
pub async fn run(cx: &Cx, id: OperationId, path: ArmPath, body: Bytes) -> Result<Reply, ArmError> {
    let operation = hardline_arm::operations::get(id);
    let caller = authenticate(cx).await?;
    let allowed = authorise(cx, &caller, operation, path).await?;
    perform(cx, allowed, Ok(body)).await
}

/// A request that an operation makes for its caller: a resource of a template. Identified, authorised and recorded as if the
/// caller had sent it; `cx` comes from [`Cx::within`]. Boxed, since what it runs may come here again.
pub fn run_as<'a>(cx: &'a Cx, caller: &'a Caller, body: Bytes) -> BoxFuture<'a, Result<Reply, ArmError>> {
    Box::pin(async move {
        let path = ArmPath::parse(&cx.facts.path).map_err(|e| ArmError::invalid_path(&e))?;
        match identify(&cx.facts.method, &path) {
            Identified::Operation(operation) => {
                check_api_version(cx, operation)?;
                let allowed = authorise(cx, caller, operation, path).await?;
                perform(cx, allowed, Ok(body)).await
            }
            Identified::WrongMethod(allowed) => Err(ArmError::method_not_allowed(&cx.facts.method, &allowed)),
            Identified::Unknown => Err(unknown(&path)),
        }
    })
}

/// The path of an id, as it stands in a URL.
pub fn encoded(id: &str) -> String {
    const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'%').add(b'?').add(b'#').add(b'"').add(b'<').add(b'>');
    utf8_percent_encode(id, PATH).to_string()
}

/// 400 for an api-version that no client of the operation can know.
fn check_api_version(cx: &Cx, operation: &Operation) -> Result<(), ArmError> {
    let Some(version) = &cx.api_version else { return Ok(()) };
    let today = cx.now.to_zoned(TimeZone::UTC).date();
    provider::check_api_version(operation, version, today, &cx.state.config.location)
}

/// The caller of a request's bearer token.
pub async fn authenticate(cx: &Cx) -> Result<Caller, ArmError> {
    let caller = match &cx.facts.bearer {
        Some(token) => auth::authenticate(&cx.state, cx.now, token).await,
        None => Err(ArmError::authentication_missing()),
    };
    caller.map_err(|refused| auth::challenge(refused, &cx.facts.base_url))
}

/// Checks the caller's right to `operation` on `path`; a refusal is recorded here.
pub async fn authorise(
    cx: &Cx,
    caller: &Caller,
    operation: &'static Operation,
    path: ArmPath,
) -> Result<Allowed, ArmError> {
    match auth::authorise(cx, caller, operation, &path).await {
        Ok(allowed) => Ok(allowed),
        Err(refusal) if refusal.status == StatusCode::FORBIDDEN => {
            let deed = record::deed(cx, operation, &path, caller);
            Err(record_failure(cx, &deed, refusal).await)
        }
        Err(error) => Err(error),
    }
}

/// Runs the handler in a task of its own: a client that leaves does not stop a change half-way, and a defect in one
/// handler answers 500 and harms no other request.
async fn perform(cx: &Cx, allowed: Allowed, body: Result<Bytes, ArmError>) -> Result<Reply, ArmError> {
    let mut cx = cx.clone();
    if let (Ok(body), None, Audit::Always) = (&body, &allowed.path.tail, allowed.operation.audit) {
        cx.request_body = request_body::summary(&allowed.path.id, body);
    }
    let running = cx.state.tasks.clone().spawn(async move {
        let result = match body {
            Ok(body) => dispatch(&cx, &allowed, &body).await,
            Err(unread) => Err(unread),
        };
        match result.map_err(|error| unless_conditional(&cx, error)) {
            Ok(recorded) => recorded.reply,
            Err(error) if allowed.operation.audit == Audit::Always => {
                Err(record_failure(&cx, &record::deed_allowed(&cx, &allowed), error).await)
            }
            Err(error) => Err(error),
        }
    });
    running.await.unwrap_or_else(|defect| Err(ArmError::internal(defect)))
}

/// Who named the version that it meant to change is told that it is another one by now, also when somebody was faster by
/// less than the time between the check and the write.
fn unless_conditional(cx: &Cx, error: ArmError) -> ArmError {
    let conditional = cx.facts.if_match.is_some() || cx.facts.if_none_match.is_some();
    let faster = error.cause().and_then(|cause| cause.downcast_ref::<StoreError>());
    match faster {
        Some(StoreError::Conflict) if conditional => ArmError::precondition_failed(),
        _ => error,
    }
}

/// Writes the start and the failure of an operation that changed nothing, and gives the error back.
async fn record_failure(cx: &Cx, deed: &Deed, error: ArmError) -> ArmError {
    let outcome = Outcome::Failed(error);
    let written = async {
        let mut tx = cx.state.store.begin().await?;
        record::start(&cx.state, &mut tx, deed, cx.now).await?;
        record::end(&cx.state, &mut tx, deed, cx.state.clock.now(), &outcome).await?;
        tx.commit().await
    };
    if let Err(lost) = written.await {
        tracing::error!(error = &lost as &dyn std::error::Error, operation = deed.operation,
            correlation = %cx.correlation, "a failed operation could not be recorded");
    }
    match outcome {
        Outcome::Failed(error) => error,
        Outcome::Succeeded(_) => ArmError::internal("a failure became a success"),
    }
}

fn unknown(path: &ArmPath) -> ArmError {
    let mut kind = path.id.resource_type();
    if let Some(tail) = &path.tail {
        if !kind.is_empty() {
            kind.push('/');
        }
        kind.push_str(tail);
    }
    match kind.split_once('/') {
        Some((namespace, rest)) => ArmError::invalid_resource_type(rest, namespace),
        None => ArmError::invalid_resource_type(&kind, ""),
    }
}

impl Cx {
    /// A context for a request that has just come.
    pub fn new(state: State, facts: RequestFacts, correlation: Option<Uuid>, query: Query) -> Self {
        let request = state.random.uuid();
        let correlation = correlation.unwrap_or_else(|| state.random.uuid());
        Self {
            now: state.clock.now(),
            state,
            correlation,
            request,
            facts,
            api_version: None,
            query,
            request_body: None,
        }
    }

    /// The context of a request that this one causes: another method, another path (an id, perhaps with a verb), the same
    /// client and correlation. Conditions, ranges and the token are this request's own.
    pub fn within(&self, method: Method, id: &str, api_version: &str) -> Result<Self, ArmError> {
        let query = Query::parse(&format!("api-version={}", encoded(api_version)))?;
        let facts = RequestFacts {
            method,
            path: encoded(id),
            bearer: None,
            if_match: None,
            if_none_match: None,
            range: None,
            websocket: None,
            ..self.facts.clone()
        };
        let mut inner = Self::new(self.state.clone(), facts, Some(self.correlation), query);
        inner.api_version = Some(ApiVersion::required(&inner.query)?);
        Ok(inner)
    }

    /// Ends a handler that only read documents of the control plane (rows with [`Audit::Refusals`]).
    pub fn read(&self, reply: impl Into<Reply>) -> Recorded {
        Recorded { reply: Ok(reply.into()) }
    }

    /// Begins a write (or a read that must be recorded). Dropping the change undoes it.
    pub async fn begin(&self, allowed: &Allowed) -> Result<Change<'_>, ArmError> {
        let tx = self.state.store.begin().await.map_err(store_error)?;
        Ok(Change { cx: self, deed: record::deed_allowed(self, allowed), tx })
    }
}

impl Change<'_> {
    /// The store's transaction.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Writes the start and the success, and makes everything durable.
    pub async fn commit(mut self, reply: impl Into<Reply>) -> Result<Recorded, ArmError> {
        let reply = reply.into();
        record::start(&self.cx.state, &mut self.tx, &self.deed, self.cx.now).await.map_err(store_error)?;
        let outcome = Outcome::Succeeded(reply.status());
        record::end(&self.cx.state, &mut self.tx, &self.deed, self.cx.state.clock.now(), &outcome)
            .await
            .map_err(store_error)?;
        self.tx.commit().await.map_err(store_error)?;
        Ok(Recorded { reply: Ok(reply) })
    }

    /// Writes the start and "Accepted", and keeps what the end event needs with the long-running operation `pending`. The
    /// end event is written by the transaction that finishes it ([`crate::jobs::finish`]).
    pub async fn accept(self, pending: crate::jobs::Pending) -> Result<Recorded, ArmError> {
        let id = self.cx.state.random.uuid();
        let response = pending.response(self.cx, id);
        self.accept_as(id, &pending, response).await
    }

    /// The same with an id and an answer of the caller's own, whose headers say where the operation's state is.
    pub async fn accept_as(
        mut self,
        id: Uuid,
        pending: &crate::jobs::Pending,
        response: ArmResponse,
    ) -> Result<Recorded, ArmError> {
        record::start(&self.cx.state, &mut self.tx, &self.deed, self.cx.now).await.map_err(store_error)?;
        record::accepted(&self.cx.state, &mut self.tx, &self.deed, self.cx.now, pending.status)
            .await
            .map_err(store_error)?;
        let record = pending.record(id, micros(self.cx.now), &self.deed);
        let waits = pending.waits();
        hardline_store::db::async_operations::insert(&mut self.tx, &record, &waits)
            .await
            .map_err(store_error)?;
        self.tx.commit().await.map_err(store_error)?;
        Ok(Recorded { reply: Ok(response.into()) })
    }

    /// Writes the start of an operation that goes on after this answer; the end event is owed by the second value.
    pub async fn started(mut self, reply: impl Into<Reply>) -> Result<(Recorded, OpenEvent), ArmError> {
        record::start(&self.cx.state, &mut self.tx, &self.deed, self.cx.now).await.map_err(store_error)?;
        self.tx.commit().await.map_err(store_error)?;
        let open = OpenEvent { state: self.cx.state.clone(), deed: self.deed };
        Ok((Recorded { reply: Ok(reply.into()) }, open))
    }

    /// Writes the start, then runs `act` with no transaction open, then writes how it ended. For what reaches a guest:
    /// nothing is done to it that could not be recorded first.
    pub async fn around<A, R>(self, act: A) -> Result<Recorded, ArmError>
    where
        A: Future<Output = Result<R, ArmError>>,
        R: Into<Reply>,
    {
        let (_, open) = self.started(ArmResponse::ok(serde_json::json!({}))).await?;
        let reply = act.await.map(Into::into);
        let outcome = match &reply {
            Ok(reply) => Outcome::Succeeded(reply.status()),
            Err(error) => {
                Outcome::Failed(ArmError::new(error.status, error.code.clone(), error.message.clone()))
            }
        };
        open.end(outcome).await;
        Ok(Recorded { reply })
    }
}

impl OpenEvent {
    /// Writes the end event. A store that fails is logged: the session is over in any case.
    pub async fn end(self, outcome: Outcome) {
        let written = async {
            let mut tx = self.state.store.begin().await?;
            record::end(&self.state, &mut tx, &self.deed, self.state.clock.now(), &outcome).await?;
            tx.commit().await
        };
        if let Err(lost) = written.await {
            tracing::error!(
                error = &lost as &dyn std::error::Error,
                operation = self.deed.operation,
                "the end of an operation could not be recorded"
            );
        }
    }
}

impl Recorded {
    /// The answer, for a handler's caller outside the dispatch (the blob endpoint, a console session).
    pub fn into_reply(self) -> Result<Reply, ArmError> {
        self.reply
    }
}

/// What a failing store means to the caller of an operation.
pub fn store_error(error: StoreError) -> ArmError {
    match error {
        StoreError::NotFound => ArmError::not_found("The record was not found."),
        StoreError::Conflict => ArmError::conflict("The resource was changed by another request. Try again.")
            .with_source(StoreError::Conflict),
        StoreError::Full(_) => ArmError::unavailable(
            "The disk under the server's store is full; nothing was changed. Its operator must make room.",
        )
        .with_source(error),
        StoreError::Unavailable(_) => ArmError::unavailable(
            "The server's store cannot be reached at present; nothing was changed. Try again.",
        )
        .with_source(error),
        other => ArmError::internal(other),
    }
}

/// One arm for each row: a row without a handler does not compile.
async fn dispatch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    use crate::providers::{
        authorization, compute, deployments, detection, directory, hardline, insights, network, resources,
        serial_console, storage,
    };
    use OperationId as Id;
    match allowed.operation.id {
        Id::SubscriptionList => resources::subscription_list(cx, allowed, body).await,
        Id::SubscriptionGet => resources::subscription_get(cx, allowed, body).await,
        Id::SubscriptionPut => resources::subscription_put(cx, allowed, body).await,
        Id::SubscriptionDelete => resources::subscription_delete(cx, allowed, body).await,
        Id::GroupList => resources::group_list(cx, allowed, body).await,
        Id::GroupGet => resources::group_get(cx, allowed, body).await,
        Id::GroupHead => resources::group_head(cx, allowed, body).await,
        Id::GroupPut => resources::group_put(cx, allowed, body).await,
        Id::GroupPatch => resources::group_patch(cx, allowed, body).await,
        Id::GroupDelete => resources::group_delete(cx, allowed, body).await,
        Id::ProviderOperations => resources::provider_operations(cx, allowed, body).await,
        Id::TenantList => resources::tenant_list(cx, allowed, body).await,
        Id::LocationList => resources::location_list(cx, allowed, body).await,
        Id::TenantProviderList => resources::tenant_provider_list(cx, allowed, body).await,
        Id::TenantProviderGet => resources::tenant_provider_get(cx, allowed, body).await,
        Id::ProviderList => resources::provider_list(cx, allowed, body).await,
        Id::ProviderGet => resources::provider_get(cx, allowed, body).await,
        Id::ProviderRegister => resources::provider_register(cx, allowed, body).await,
        Id::ProviderUnregister => resources::provider_unregister(cx, allowed, body).await,
        Id::ResourceList | Id::GroupResourceList => resources::resource_list(cx, allowed, body).await,
        Id::ImagePublisherList => compute::image_publisher_list(cx, allowed, body).await,
        Id::ImageOfferList => compute::image_offer_list(cx, allowed, body).await,
        Id::ImageSkuList => compute::image_sku_list(cx, allowed, body).await,
        Id::ImageVersionList => compute::image_version_list(cx, allowed, body).await,
        Id::ImageVersionGet => compute::image_version_get(cx, allowed, body).await,
        Id::VmSizeList => compute::vm_size_list(cx, allowed, body).await,
        Id::ComputeSkuList => compute::compute_sku_list(cx, allowed, body).await,
        Id::VmResizeOptionList => compute::vm_resize_option_list(cx, allowed, body).await,
        Id::DeploymentList => deployments::deployment_list(cx, allowed, body).await,
        Id::DeploymentGet => deployments::deployment_get(cx, allowed, body).await,
        Id::DeploymentHead => deployments::deployment_head(cx, allowed, body).await,
        Id::DeploymentPut => deployments::deployment_put(cx, allowed, body).await,
        Id::DeploymentDelete => deployments::deployment_delete(cx, allowed, body).await,
        Id::DeploymentValidate => deployments::deployment_validate(cx, allowed, body).await,
        Id::DeploymentWhatIf => deployments::deployment_what_if(cx, allowed, body).await,
        Id::DeploymentCancel => deployments::deployment_cancel(cx, allowed, body).await,
        Id::DeploymentOperationList => deployments::deployment_operation_list(cx, allowed, body).await,
        Id::DeploymentOperationGet => deployments::deployment_operation_get(cx, allowed, body).await,
        Id::DeploymentStatusGet => deployments::deployment_status_get(cx, allowed, body).await,
        Id::VmList => compute::vm_list(cx, allowed, body).await,
        Id::VmGet => compute::vm_get(cx, allowed, body).await,
        Id::VmPut => compute::vm_put(cx, allowed, body).await,
        Id::VmPatch => compute::vm_patch(cx, allowed, body).await,
        Id::VmDelete | Id::InstanceDelete => compute::vm_delete(cx, allowed, body).await,
        Id::VmInstanceView => compute::vm_instance_view(cx, allowed, body).await,
        Id::VmStart | Id::InstanceStart => compute::vm_start(cx, allowed, body).await,
        Id::VmPowerOff | Id::InstancePowerOff => compute::vm_power_off(cx, allowed, body).await,
        Id::VmRestart | Id::InstanceRestart => compute::vm_restart(cx, allowed, body).await,
        Id::VmDeallocate | Id::InstanceDeallocate => compute::vm_deallocate(cx, allowed, body).await,
        Id::VmRetrieveBootDiagnosticsData | Id::InstanceRetrieveBootDiagnosticsData => {
            compute::vm_retrieve_boot_diagnostics_data(cx, allowed, body).await
        }
        Id::ComputeOperationGet => compute::operation_get(cx, allowed, body).await,
        Id::ScaleSetList => compute::scale_set_list(cx, allowed, body).await,
        Id::ScaleSetGet => compute::scale_set_get(cx, allowed, body).await,
        Id::ScaleSetPut => compute::scale_set_put(cx, allowed, body).await,
        Id::ScaleSetPatch => compute::scale_set_patch(cx, allowed, body).await,
        Id::ScaleSetDelete => compute::scale_set_delete(cx, allowed, body).await,
        Id::ScaleSetInstanceView => compute::scale_set_instance_view(cx, allowed, body).await,
        Id::ScaleSetStart => compute::scale_set_start(cx, allowed, body).await,
        Id::ScaleSetPowerOff => compute::scale_set_power_off(cx, allowed, body).await,
        Id::ScaleSetRestart => compute::scale_set_restart(cx, allowed, body).await,
        Id::ScaleSetDeallocate => compute::scale_set_deallocate(cx, allowed, body).await,
        Id::ScaleSetDeleteInstances => compute::scale_set_delete_instances(cx, allowed, body).await,
        Id::ScaleSetManualUpgrade => compute::scale_set_manual_upgrade(cx, allowed, body).await,
        Id::InstanceList => compute::instance_list(cx, allowed, body).await,
        Id::InstanceGet => compute::instance_get(cx, allowed, body).await,
        Id::InstanceInstanceView => compute::instance_instance_view(cx, allowed, body).await,
        Id::VnetList | Id::NicList | Id::PublicIpList | Id::NsgList | Id::RouteTableList => {
            network::list(cx, allowed, body).await
        }
        Id::VnetGet | Id::NicGet | Id::PublicIpGet | Id::NsgGet | Id::RouteTableGet => {
            network::get(cx, allowed, body).await
        }
        Id::VnetPut | Id::NicPut | Id::PublicIpPut | Id::NsgPut | Id::RouteTablePut => {
            network::put(cx, allowed, body).await
        }
        Id::VnetPatch | Id::NicPatch | Id::PublicIpPatch | Id::NsgPatch | Id::RouteTablePatch => {
            network::patch(cx, allowed, body).await
        }
        Id::VnetDelete | Id::NicDelete | Id::PublicIpDelete | Id::NsgDelete | Id::RouteTableDelete => {
            network::delete(cx, allowed, body).await
        }
        Id::VnetCheckAddress => network::check_address(cx, allowed, body).await,
        Id::SubnetList | Id::SecurityRuleList | Id::DefaultSecurityRuleList | Id::RouteList => {
            network::child_list(cx, allowed, body).await
        }
        Id::SubnetGet | Id::SecurityRuleGet | Id::DefaultSecurityRuleGet | Id::RouteGet => {
            network::child_get(cx, allowed, body).await
        }
        Id::SubnetPut | Id::SecurityRulePut | Id::RoutePut => network::child_put(cx, allowed, body).await,
        Id::SubnetDelete | Id::SecurityRuleDelete | Id::RouteDelete => {
            network::child_delete(cx, allowed, body).await
        }
        Id::ConsoleServiceGet => serial_console::service_get(cx, allowed, body).await,
        Id::ConsoleServiceEnable => serial_console::service_enable(cx, allowed, body).await,
        Id::ConsoleServiceDisable => serial_console::service_disable(cx, allowed, body).await,
        Id::SerialPortList => serial_console::port_list(cx, allowed, body).await,
        Id::SerialPortGet => serial_console::port_get(cx, allowed, body).await,
        Id::SerialPortPut => serial_console::port_put(cx, allowed, body).await,
        Id::SerialPortDelete => serial_console::port_delete(cx, allowed, body).await,
        Id::SerialPortConnect => serial_console::connect(cx, allowed, body).await,
        Id::RoleDefinitionList => authorization::role_definition_list(cx, allowed, body).await,
        Id::RoleDefinitionGet => authorization::role_definition_get(cx, allowed, body).await,
        Id::RoleDefinitionPut => authorization::role_definition_put(cx, allowed, body).await,
        Id::RoleDefinitionDelete => authorization::role_definition_delete(cx, allowed, body).await,
        Id::RoleAssignmentList => authorization::role_assignment_list(cx, allowed, body).await,
        Id::RoleAssignmentGet => authorization::role_assignment_get(cx, allowed, body).await,
        Id::RoleAssignmentPut => authorization::role_assignment_put(cx, allowed, body).await,
        Id::RoleAssignmentDelete => authorization::role_assignment_delete(cx, allowed, body).await,
        Id::PermissionList => authorization::permission_list(cx, allowed, body).await,
        Id::ActivityLogList => insights::activity_log_list(cx, allowed, body).await,
        Id::DiagnosticSettingList => insights::diagnostic_setting_list(cx, allowed, body).await,
        Id::DiagnosticSettingGet => insights::diagnostic_setting_get(cx, allowed, body).await,
        Id::DiagnosticSettingPut => insights::diagnostic_setting_put(cx, allowed, body).await,
        Id::DiagnosticSettingDelete => insights::diagnostic_setting_delete(cx, allowed, body).await,
        Id::EventRecordList => insights::event_record_list(cx, allowed, body).await,
        Id::MetricsGet => insights::metrics_get(cx, allowed, body).await,
        Id::StorageNameCheck => storage::check_name_availability(cx, allowed, body).await,
        Id::StorageAccountList => storage::account_list(cx, allowed, body).await,
        Id::StorageAccountGet => storage::account_get(cx, allowed, body).await,
        Id::StorageAccountPut => storage::account_put(cx, allowed, body).await,
        Id::StorageAccountPatch => storage::account_patch(cx, allowed, body).await,
        Id::StorageAccountDelete => storage::account_delete(cx, allowed, body).await,
        Id::StorageAccountListKeys => storage::list_keys(cx, allowed, body).await,
        Id::StorageAccountRegenerateKey => storage::regenerate_key(cx, allowed, body).await,
        Id::ConsoleStream => hardline::console_stream(cx, allowed, body).await,
        Id::ConsoleNmi => hardline::console_nmi(cx, allowed, body).await,
        Id::ConsoleReset => hardline::console_reset(cx, allowed, body).await,
        Id::ConsoleSysRq => hardline::console_sysrq(cx, allowed, body).await,
        Id::ConsoleBreak => hardline::console_break(cx, allowed, body).await,
        Id::SerialLogGet => hardline::serial_log_get(cx, allowed, body).await,
        Id::SerialLogContent => hardline::serial_log_content(cx, allowed, body).await,
        Id::ScreenshotContent => hardline::screenshot_content(cx, allowed, body).await,
        Id::DetectionRuleList => detection::rule_list(cx, allowed, body).await,
        Id::DetectionRuleGet => detection::rule_get(cx, allowed, body).await,
        Id::DetectionRulePut => detection::rule_put(cx, allowed, body).await,
        Id::DetectionRulePatch => detection::rule_patch(cx, allowed, body).await,
        Id::DetectionRuleDelete => detection::rule_delete(cx, allowed, body).await,
        Id::DetectionRuleCheck => detection::rule_check(cx, allowed, body).await,
        Id::DetectionRuleTry => detection::rule_try(cx, allowed, body).await,
        Id::DetectionRuleImport => detection::rule_import(cx, allowed, body).await,
        Id::AlertList => detection::alert_list(cx, allowed, body).await,
        Id::AlertGet => detection::alert_get(cx, allowed, body).await,
        Id::AlertPatch => detection::alert_patch(cx, allowed, body).await,
        Id::DeviceCodeFind => hardline::device_code_find(cx, allowed, body).await,
        Id::DeviceCodeAnswer => hardline::device_code_answer(cx, allowed, body).await,
        Id::UserList => directory::user_list(cx, allowed, body).await,
        Id::UserGet => directory::user_get(cx, allowed, body).await,
        Id::UserPut => directory::user_put(cx, allowed, body).await,
        Id::UserDelete => directory::user_delete(cx, allowed, body).await,
        Id::ServicePrincipalList => directory::service_principal_list(cx, allowed, body).await,
        Id::ServicePrincipalGet => directory::service_principal_get(cx, allowed, body).await,
        Id::ServicePrincipalPut => directory::service_principal_put(cx, allowed, body).await,
        Id::ServicePrincipalDelete => directory::service_principal_delete(cx, allowed, body).await,
        Id::PrincipalGroupList => directory::group_list(cx, allowed, body).await,
        Id::PrincipalGroupGet => directory::group_get(cx, allowed, body).await,
        Id::PrincipalGroupPut => directory::group_put(cx, allowed, body).await,
        Id::PrincipalGroupDelete => directory::group_delete(cx, allowed, body).await,
        Id::GroupMemberList => directory::member_list(cx, allowed, body).await,
        Id::GroupMemberPut => directory::member_put(cx, allowed, body).await,
        Id::GroupMemberDelete => directory::member_delete(cx, allowed, body).await,
        Id::HostList => hardline::host_list(cx, allowed, body).await,
        // These have their own URLs and never come this way (their rows' target is `Elsewhere`): `blob::serve` and
        // `serial::open_session` answer them.
        Id::ContainerRead | Id::BlobGet | Id::BlobHead | Id::ConsoleSession => {
            Err(ArmError::invalid_resource_type(allowed.operation.name, ""))
        }
    }
}
