//! Making principals and giving them roles from inside the process: the first start of `hardline dev`, tests.

use super::{AuthError, PrincipalKind, hash_password};
use crate::random::Random;
use hardline_arm::rbac::definition_id;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{principals, role_assignments};
use hardline_store::{StoreError, Tx};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// A principal to be made.
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    /// Object id.
    pub oid: Uuid,
    /// Person or program.
    pub kind: PrincipalKind,
    /// UPN, or application id.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// Password or client secret.
    pub secret: SecretString,
}

/// Makes a principal; one that is there already (by its object id) gets this secret. Hashes off the async threads, so call
/// it before the transaction has written anything that others wait for.
pub async fn principal(
    tx: &mut Tx,
    new: &NewPrincipal,
    now: Timestamp,
    random: Arc<dyn Random>,
) -> Result<(), AuthError> {
    let secret = new.secret.clone();
    let hashed = tokio::task::spawn_blocking(move || hash_password(&secret, random.as_ref())).await;
    let hash = hashed.ok().flatten().ok_or_else(|| AuthError::Secret("empty, or too long".into()))?;
    let oid = new.oid.to_string();
    if principals::get(&mut *tx, &oid).await?.is_some() {
        principals::set_password(tx, &oid, &hash, now.as_microsecond()).await?;
        return Ok(());
    }
    let row = principals::Principal {
        oid,
        kind: new.kind.as_str().into(),
        name: new.name.clone(),
        display_name: new.display_name.clone(),
        password_hash: hash,
        disabled: false,
        created: now.as_microsecond(),
    };
    principals::insert(tx, &row).await?;
    Ok(())
}

/// Gives a role to a principal at a scope; nothing happens when it has it there already.
pub async fn assign(
    tx: &mut Tx,
    scope: &ResourceId,
    role: Uuid,
    principal: (Uuid, PrincipalKind),
    now: Timestamp,
    random: &dyn Random,
) -> Result<(), StoreError> {
    let (oid, kind) = principal;
    let text = oid.to_string();
    let there = role_assignments::of_principal(&mut *tx, &text).await?;
    let same = |row: &role_assignments::RoleAssignment| {
        row.role.eq_ignore_ascii_case(&role.to_string())
            && ResourceId::parse(&row.scope).is_ok_and(|s| s == *scope)
    };
    if there.iter().any(same) {
        return Ok(());
    }
    let name = random.uuid();
    let id = scope.extension("Microsoft.Authorization/roleAssignments", &name.to_string());
    let row = role_assignments::RoleAssignment {
        id: id.to_string(),
        name: name.to_string(),
        scope: scope.to_string(),
        role: role.to_string(),
        principal: text,
        principal_type: kind.principal_type().into(),
        body: json!({ "roleDefinitionId": definition_id(role, scope.subscription()) }).to_string(),
        created: now.as_microsecond(),
        created_by: String::new(),
    };
    role_assignments::insert(tx, &row).await
}
