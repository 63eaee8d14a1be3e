//! What a server must have before anybody can ask it for anything: a subscription, a group, the first Owners.

use crate::auth::AuthError;
use crate::auth::provision::{self, NewPrincipal};
use crate::clock::micros;
use crate::state::State;
use hardline_arm::rbac::OWNER;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{principals, resource_groups, subscriptions};
use uuid::Uuid;

/// What must be there.
#[derive(Debug)]
pub struct Seed {
    /// The subscription.
    pub subscription: Uuid,
    /// Its name for people.
    pub subscription_name: String,
    /// A resource group in it; none where people make their own.
    pub group: Option<String>,
    /// Owners of the tenant and of the subscription.
    pub owners: Vec<NewPrincipal>,
}

/// Makes what is not there yet; what is there stays as it is, passwords too. Nothing of it is an operation of a caller, so
/// no activity event is written.
pub async fn plant(state: &State, seed: &Seed) -> Result<(), AuthError> {
    let now = state.clock.now();
    let subscription = seed.subscription.to_string();
    let mut tx = state.store.begin().await?;
    if subscriptions::get(&mut tx, &subscription).await?.is_none() {
        let row = subscriptions::Subscription {
            id: subscription.clone(),
            display_name: seed.subscription_name.clone(),
            state: "Enabled".into(),
            body: "{}".into(),
            created: micros(now),
            updated: micros(now),
        };
        subscriptions::put(&mut tx, &row).await?;
    }
    if let Some(group) = &seed.group {
        let id = ResourceId::of_group(&subscription, group).to_string();
        if resource_groups::get(&mut tx, &id).await?.is_none() {
            let row = resource_groups::ResourceGroup {
                id,
                subscription: subscription.clone(),
                name: group.clone(),
                location: state.config.location.clone(),
                state: "Succeeded".into(),
                body: "{}".into(),
                etag: state.random.uuid().to_string(),
                created: micros(now),
                updated: micros(now),
            };
            resource_groups::put(&mut tx, &row).await?;
        }
    }
    for owner in &seed.owners {
        if principals::get(&mut tx, &owner.oid.to_string()).await?.is_none() {
            provision::principal(&mut tx, owner, now, state.random.clone()).await?;
            for scope in [ResourceId::root(), ResourceId::of_subscription(&subscription)] {
                let who = (owner.oid, owner.kind);
                provision::assign(&mut tx, &scope, OWNER, who, now, state.random.as_ref()).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}
