//! Made-up activity events, as requests of many people on many machines would have left them, put into a database by the store's
//! own functions; and the least that reading them again costs.

use crate::child::own_cpu;
use anyhow::{Context as _, Result};
use hardline_arm::activity::{ActivityEvent, AuthorizationEvidence, Deed, HttpRequest};
use hardline_arm::error::ArmError;
use hardline_arm::operation::OperationId;
use hardline_arm::operations;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::Db;
use hardline_store::db::activity_events::{self, NewEvent, Order};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Events of one transaction.
const BATCH: u64 = 10_000;
/// Events of one page, as the floor reads them.
const PAGE: i64 = 500;
/// Who acts.
const PRINCIPALS: u64 = 400;
/// Machines.
const MACHINES: u64 = 2_000;

/// What is done, and how often in a thousand.
const MIX: [(OperationId, u64); 12] = [
    (OperationId::VmRetrieveBootDiagnosticsData, 250),
    (OperationId::SerialLogContent, 250),
    (OperationId::ConsoleStream, 120),
    (OperationId::ConsoleSession, 80),
    (OperationId::VmStart, 80),
    (OperationId::VmRestart, 60),
    (OperationId::VmPut, 60),
    (OperationId::VmPowerOff, 50),
    (OperationId::VmDeallocate, 40),
    (OperationId::StorageAccountPut, 6),
    (OperationId::RoleAssignmentPut, 3),
    (OperationId::VmDelete, 1),
];

/// What is to be put there.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The subscription's id.
    pub subscription: &'a str,
    /// How many events.
    pub events: u64,
    /// Over which time up to now, evenly.
    pub span: SignedDuration,
}

/// Puts events into the database; bytes of all their bodies.
pub fn seed(database: &Path, past: Past<'_>, now: Timestamp) -> Result<u64> {
    runtime()?.block_on(async {
        let db = Db::open_sqlite(database).await?;
        let (mut bytes, mut done) = (0, 0);
        while done < past.events {
            let mut tx = db.begin().await?;
            for n in done..(done + BATCH).min(past.events) {
                let ago = past.span.as_micros() * i128::from(past.events - n) / i128::from(past.events);
                let at = now.checked_sub(SignedDuration::from_micros(i64::try_from(ago)?))?;
                let event = event(past.subscription, n, at)?;
                bytes += event.body.len() as u64;
                activity_events::insert(&mut tx, &event, || event.time).await?;
            }
            tx.commit().await?;
            done += BATCH;
        }
        db.close().await;
        Ok(bytes)
    })
}

/// What reading all events costs.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// How many there are.
    pub events: u64,
    /// Time on the clock.
    pub took: Duration,
    /// Processor time.
    pub cpu: Duration,
}

/// The floor of whatever looks at a subscription's events: reads all from `from` on and parses them, one after the other.
pub fn read_all(database: &Path, subscription: &str, from: Timestamp) -> Result<Floor> {
    runtime()?.block_on(async {
        let db = Db::open_sqlite(database).await?;
        let (started, cpu, mut read, mut after) = (Instant::now(), own_cpu(), 0, None);
        loop {
            let window = (from.as_microsecond(), i64::MAX);
            let page =
                activity_events::ascending(&db, subscription, Order::Ingested, window, after, PAGE).await?;
            for row in &page {
                let event: ActivityEvent = serde_json::from_str(&row.body)?;
                read += u64::from(event.event_data_id == row.id);
            }
            match page.last() {
                Some(last) => after = Some((last.ingested, last.seq)),
                None => break,
            }
        }
        let floor = Floor { events: read, took: started.elapsed(), cpu: own_cpu().saturating_sub(cpu) };
        db.close().await;
        Ok(floor)
    })
}

/// The place of the newest event.
pub fn newest(database: &Path) -> Result<i64> {
    runtime()?.block_on(async {
        let db = Db::open_sqlite(database).await?;
        let newest = activity_events::newest(&db).await?;
        db.close().await;
        Ok(newest)
    })
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Event `n`: the begin of a deed, or for odd numbers its end.
fn event(subscription: &str, n: u64, at: Timestamp) -> Result<NewEvent> {
    let mut dice = Dice(n / 2);
    let mut wanted = dice.below(1000);
    let mut operation = OperationId::VmStart;
    for (candidate, share) in MIX {
        if wanted < share {
            operation = candidate;
            break;
        }
        wanted -= share;
    }
    let deed = deed(subscription, operation, &mut dice, at)?;
    let refused = dice.below(100) < 3;
    // What is seeded at another time has other ids.
    let id = Uuid::from_u64_pair(at.as_microsecond().unsigned_abs(), dice.next());
    let event = match n % 2 {
        0 => deed.started(id, at),
        _ if refused => deed.failed(id, at, &ArmError::conflict("The machine is busy with something else.")),
        _ => deed.succeeded(id, at, StatusCode::OK),
    };
    let resource = ResourceId::parse(&event.resource_id).unwrap_or_default();
    Ok(NewEvent {
        id: event.event_data_id.clone(),
        correlation: event.correlation_id.clone(),
        operation: event.operation_id.clone(),
        operation_name: event.operation_name.value.clone(),
        time: at.as_microsecond(),
        subscription: event.subscription_id.to_ascii_lowercase(),
        group_key: event.resource_group_name.to_ascii_lowercase(),
        resource_key: resource.key(),
        provider: event.resource_provider_name.value.to_ascii_lowercase(),
        caller: event.caller.clone(),
        status: event.status.value.clone(),
        body: serde_json::to_string(&event)?,
    })
}

fn deed(subscription: &str, operation: OperationId, dice: &mut Dice, at: Timestamp) -> Result<Deed> {
    // A few do most of it.
    let who = dice.below(PRINCIPALS) * dice.below(PRINCIPALS) / PRINCIPALS;
    let machine = dice.below(MACHINES);
    let group = machine % 40;
    let within = format!("/subscriptions/{subscription}/resourceGroups/rg-{group}/providers");
    let resource = match operation {
        OperationId::RoleAssignmentPut => format!(
            "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments/{}",
            Uuid::from_u128(u128::from(dice.next()))
        ),
        OperationId::StorageAccountPut => format!("{within}/Microsoft.Storage/storageAccounts/logs{machine}"),
        _ => format!("{within}/Microsoft.Compute/virtualMachines/srv-{machine}"),
    };
    let id = ResourceId::parse(&resource).ok().context("no resource's id")?;
    let (row, correlation) = (operations::get(operation), Uuid::from_u128(u128::from(dice.next())));
    let mut deed = Deed::new(row, &id, correlation);
    let address = format!("203.0.{}.{}", who % 120, dice.below(40));
    let object = Uuid::from_u128(0x3333_0000_0000_4000_8000_0000_0000_0000 | u128::from(who));
    let (name, tenant) = (format!("person{who}@example.org"), Uuid::from_u128(1).to_string());
    deed.caller.clone_from(&name);
    deed.authorization.action = row.requires.action().unwrap_or(row.name).into();
    deed.authorization.scope.clone_from(&resource);
    deed.authorization.role = Some("Contributor".into());
    deed.authorization.evidence = Some(AuthorizationEvidence {
        role: "Contributor".into(),
        role_assignment_scope: format!("/subscriptions/{subscription}"),
        role_assignment_id: Uuid::from_u128(u128::from(who)).simple().to_string(),
        role_definition_id: Uuid::from_u128(5).simple().to_string(),
        principal_id: object.simple().to_string(),
        principal_type: if who.is_multiple_of(5) { "ServicePrincipal" } else { "User" }.into(),
    });
    let objects = object.to_string();
    let seconds = at.as_second();
    let (begin, end) = (seconds.to_string(), (seconds + 3600).to_string());
    let claims = [
        ("aud", "https://hardline.example.org"),
        ("iss", "https://hardline.example.org/adfs"),
        ("iat", &begin),
        ("nbf", &begin),
        ("exp", &end),
        ("appid", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("appidacr", "0"),
        ("idtyp", "user"),
        ("ipaddr", &address),
        ("name", &name),
        ("uti", &objects),
        ("ver", "1.0"),
        ("http://schemas.microsoft.com/claims/authnmethodsreferences", "pwd"),
        ("http://schemas.microsoft.com/identity/claims/objectidentifier", &objects),
        ("http://schemas.microsoft.com/identity/claims/tenantid", &tenant),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", &name),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier", &objects),
        ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", &name),
    ];
    deed.claims = claims.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    deed.operation_id = Uuid::from_u128(u128::from(dice.next()));
    deed.service_request_id = Uuid::from_u128(u128::from(dice.next())).to_string();
    deed.http_request = HttpRequest {
        client_request_id: Uuid::from_u128(u128::from(dice.next())).to_string(),
        client_ip_address: address,
        method: row.method.to_string(),
        uri: Some(format!("https://hardline.example.org{resource}")),
    };
    deed.location = "local".into();
    deed.since = at.checked_sub(SignedDuration::from_millis(40)).ok();
    deed.tenant_id = tenant;
    if operation == OperationId::VmPut {
        let enabled = dice.below(50) > 0;
        deed.request_body = Some(format!(
            "{{\"location\":\"local\",\"properties\":{{\"hardwareProfile\":{{\"vmSize\":\"Standard_B2s\"}},\
             \"diagnosticsProfile\":{{\"bootDiagnostics\":{{\"enabled\":{enabled}}}}}}}}}"
        ));
    }
    Ok(deed)
}

/// Numbers that look thrown and are the same every time (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
}
