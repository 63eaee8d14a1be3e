//! Subscriptions, groups, resources, machines.

use hardline_store::db::resource_groups::{self, ResourceGroup};
use hardline_store::db::resources::{self, Resource, ResourceFilter};
use hardline_store::db::subscriptions::{self, Subscription};
use hardline_store::db::vms::{self, Vm};
use hardline_store::{Db, StoreError};

const TYPE: &str = "Microsoft.Compute/virtualMachines";

fn resource(group: &str, name: &str) -> Resource {
    Resource {
        id: format!("/subscriptions/S/resourceGroups/{group}/providers/{TYPE}/{name}"),
        subscription: "s".into(),
        group: group.to_lowercase(),
        resource_type: TYPE.to_lowercase(),
        name: name.into(),
        location: "local".into(),
        body: r#"{"é":1}"#.into(),
        etag: "e1".into(),
        created: 1,
        updated: 1,
    }
}

pub async fn groups_and_subscriptions(db: &Db) {
    let subscription = Subscription {
        id: "S-One".into(),
        display_name: "One".into(),
        state: "Enabled".into(),
        body: "{}".into(),
        created: 1,
        updated: 1,
    };
    let group = |name: &str, location: &str| ResourceGroup {
        id: format!("/subscriptions/S-One/resourceGroups/{name}"),
        subscription: "s-one".into(),
        name: name.into(),
        location: location.into(),
        state: "Succeeded".into(),
        body: "{}".into(),
        etag: "1".into(),
        created: 1,
        updated: 1,
    };
    let mut tx = db.begin().await.unwrap();
    subscriptions::put(&mut tx, &subscription).await.unwrap();
    for name in ["B", "a", "C"] {
        resource_groups::put(&mut tx, &group(name, "x")).await.unwrap();
    }
    resource_groups::put(&mut tx, &group("A", "y")).await.unwrap();
    tx.commit().await.unwrap();

    assert_eq!(subscriptions::get(db, "s-ONE").await.unwrap(), Some(subscription.clone()));
    assert_eq!(subscriptions::list(db).await.unwrap(), [subscription]);
    let found = resource_groups::get(db, "/SUBSCRIPTIONS/s-one/resourcegroups/A").await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.location.as_str()),
        ("a", "y"),
        "the first case of the name stays"
    );
    let page = resource_groups::list(db, "S-ONE", None, 2).await.unwrap();
    assert_eq!(page.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["a", "B"]);
    let rest = resource_groups::list(db, "S-ONE", Some(&page[1].id), 2).await.unwrap();
    assert_eq!(rest.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["C"]);

    let mut tx = db.begin().await.unwrap();
    assert!(resource_groups::delete(&mut tx, &page[0].id).await.unwrap());
    assert!(!resource_groups::delete(&mut tx, &page[0].id).await.unwrap());
    assert!(subscriptions::delete(&mut tx, "s-one").await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn an_update_needs_the_etag(db: &Db) {
    let mut vm = resource("RG", "vm1");
    let mut tx = db.begin().await.unwrap();
    resources::insert(&mut tx, &vm).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    assert!(matches!(resources::insert(&mut tx, &vm).await, Err(StoreError::Conflict)));
    drop(tx);

    vm.body = "{}".into();
    vm.etag = "e2".into();
    let mut tx = db.begin().await.unwrap();
    assert!(matches!(resources::update(&mut tx, &vm, "e0").await, Err(StoreError::Conflict)));
    resources::update(&mut tx, &vm, "e1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(resources::get(db, &vm.id.to_uppercase()).await.unwrap(), Some(vm.clone()));

    let mut tx = db.begin().await.unwrap();
    assert!(resources::delete(&mut tx, &vm.id.to_lowercase()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(resources::get(db, &vm.id).await.unwrap(), None);
}

pub async fn lists_are_filtered_and_paged(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for (group, name) in [("rg", "b"), ("rg", "A"), ("RG2", "c"), ("rg", "b-1"), ("rg", "b_1")] {
        resources::insert(&mut tx, &resource(group, name)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let names = |found: Vec<Resource>| found.into_iter().map(|r| r.name).collect::<Vec<_>>();
    let all = ResourceFilter { subscription: "S", ..Default::default() };
    assert_eq!(names(resources::list(db, &all, 100).await.unwrap()), ["A", "b", "b-1", "b_1", "c"]);
    let group = ResourceFilter { group: Some("Rg"), resource_type: Some(TYPE), ..all.clone() };
    let first = resources::list(db, &group, 2).await.unwrap();
    let after = first.last().unwrap().id.clone();
    assert_eq!(names(first), ["A", "b"]);
    let rest = ResourceFilter { after: Some(&after), ..group };
    assert_eq!(names(resources::list(db, &rest, 100).await.unwrap()), ["b-1", "b_1"]);
    let none = ResourceFilter { resource_type: Some("x/y"), ..all };
    assert_eq!(resources::list(db, &none, 100).await.unwrap(), []);
}

pub async fn machines_outlive_their_resource(db: &Db) {
    let mut vm = Vm {
        vm_id: "v1".into(),
        resource_key: Some("/subscriptions/s/resourcegroups/rg/providers/x/y/vm1".into()),
        name: "vm1".into(),
        power: "running".into(),
        generation: 1,
        power_generation: 1,
        reset_generation: 0,
        host_id: Some("h1".into()),
        spec: "{}".into(),
        observation: None,
        observed: None,
        created: 1,
        updated: 1,
        scale_set_key: Some("/s1".into()),
    };
    let mut tx = db.begin().await.unwrap();
    vms::insert(&mut tx, &vm).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        vms::by_resource(db, &vm.resource_key.clone().unwrap().to_uppercase()).await.unwrap(),
        Some(vm.clone())
    );
    assert_eq!(vms::below(db, "/subscriptions/S/resourceGroups/RG").await.unwrap().len(), 1);
    assert_eq!(vms::below(db, "/subscriptions/s/resourceGroups/r").await.unwrap().len(), 0);
    assert_eq!(vms::of_scale_set(db, "/S1").await.unwrap(), [vm.clone()]);
    assert_eq!(vms::of_scale_set(db, "/s2").await.unwrap(), []);
    assert_eq!(vms::on_host(db, "h1").await.unwrap(), [vm.clone()]);
    assert_eq!(vms::behind(db, "h1").await.unwrap(), [vm.clone()]);
    let mut tx = db.begin().await.unwrap();
    assert!(vms::observe(&mut tx, "v1", "{}", 1, 4).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(vms::behind(db, "h1").await.unwrap(), []);

    vm.generation = 2;
    vm.power = "stopped".into();
    let mut tx = db.begin().await.unwrap();
    vms::update(&mut tx, &vm, 1).await.unwrap();
    assert!(matches!(vms::update(&mut tx, &vm, 1).await, Err(StoreError::Conflict)));
    assert!(vms::observe(&mut tx, "v1", "{\"a\":1}", 1, 5).await.unwrap());
    assert!(!vms::observe(&mut tx, "v2", "{}", 1, 5).await.unwrap());
    assert!(vms::orphan(&mut tx, "v1", 6).await.unwrap());
    tx.commit().await.unwrap();

    let orphan = vms::get(db, "V1").await.unwrap().unwrap();
    assert_eq!(vms::behind(db, "h1").await.unwrap(), std::slice::from_ref(&orphan));
    assert_eq!((orphan.resource_key, orphan.generation, orphan.observed), (None, 3, Some(5)));
    let mut tx = db.begin().await.unwrap();
    // Its name is free for another machine, and two orphans do not clash.
    vms::insert(&mut tx, &Vm { vm_id: "v2".into(), ..vm.clone() }).await.unwrap();
    vms::orphan(&mut tx, "v2", 7).await.unwrap();
    assert!(vms::delete(&mut tx, "v1").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(vms::list(db).await.unwrap().len(), 1);
}
