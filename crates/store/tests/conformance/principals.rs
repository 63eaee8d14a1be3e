//! Principals, role assignments, role definitions, secrets.

use hardline_store::db::principals::{self, Principal};
use hardline_store::db::role_assignments::{self, AssignmentFilter, RoleAssignment};
use hardline_store::db::secrets;
use hardline_store::{Db, StoreError};

fn principal(oid: &str, name: &str) -> Principal {
    Principal {
        oid: oid.into(),
        kind: "user".into(),
        name: name.into(),
        display_name: "Ann".into(),
        password_hash: "$argon2id$secret".into(),
        disabled: false,
        created: 7,
    }
}

pub async fn names_are_unique_in_any_case(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    principals::insert(&mut tx, &principal("o1", "Ann@Example")).await.unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.begin().await.unwrap();
    let twice = principals::insert(&mut tx, &principal("o2", "ANN@example")).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    drop(tx);

    let found = principals::by_name(db, "aNN@eXAMPLE").await.unwrap().unwrap();
    assert_eq!(found, principal("o1", "Ann@Example"));
    assert!(!format!("{found:?}").contains("secret"), "the hash must not be shown");
    assert_eq!(principals::get(db, "O1").await.unwrap(), Some(found));

    let mut tx = db.begin().await.unwrap();
    principals::set_disabled(&mut tx, "o1", true, 9).await.unwrap();
    principals::set_password(&mut tx, "o1", "other", 9).await.unwrap();
    assert!(matches!(principals::set_password(&mut tx, "o9", "x", 9).await, Err(StoreError::NotFound)));
    tx.commit().await.unwrap();
    let changed = principals::list(db).await.unwrap().remove(0);
    assert_eq!((changed.disabled, changed.password_hash.as_str()), (true, "other"));
}

pub async fn the_first_secret_stays(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    assert_eq!(secrets::get_or_insert(&mut tx, "key", b"first", 0).await.unwrap(), b"first");
    assert_eq!(secrets::get_or_insert(&mut tx, "key", b"second", 0).await.unwrap(), b"first");
    secrets::put(&mut tx, "key", b"third", 0).await.unwrap();
    assert_eq!(secrets::get_or_insert(&mut tx, "key", b"fourth", 0).await.unwrap(), b"third");
    tx.commit().await.unwrap();
}

pub async fn assignments_are_found_by_principal_and_scope(db: &Db) {
    let assignment = |name: &str, scope: &str, principal: &str| RoleAssignment {
        id: format!(
            "{}/providers/Microsoft.Authorization/roleAssignments/{name}",
            scope.trim_end_matches('/')
        ),
        name: name.into(),
        scope: scope.into(),
        role: "role1".into(),
        principal: principal.into(),
        principal_type: "User".into(),
        body: "{}".into(),
        created: 1,
        created_by: "me".into(),
    };
    let group = "/subscriptions/S/resourceGroups/RG";
    let sibling = "/subscriptions/s/resourceGroups/RG2";
    let mut tx = db.begin().await.unwrap();
    for (name, scope, who) in
        [("a1", "/", "p1"), ("a2", "/subscriptions/S", "P1"), ("a3", group, "p2"), ("a4", sibling, "p2")]
    {
        role_assignments::insert(&mut tx, &assignment(name, scope, who)).await.unwrap();
    }
    tx.commit().await.unwrap();

    let names = |found: Vec<RoleAssignment>| found.into_iter().map(|a| a.name).collect::<Vec<_>>();
    assert_eq!(names(role_assignments::of_principal(db, "p1").await.unwrap()), ["a1", "a2"]);
    let at = |scope: &str| AssignmentFilter { at: vec![scope.into()], ..Default::default() };
    let below = |scope: &str| AssignmentFilter { below: Some(scope.into()), ..Default::default() };
    let found = async |filter: &AssignmentFilter, limit: i64| {
        names(role_assignments::search(db, filter, limit).await.unwrap())
    };
    assert_eq!(found(&at(&group.to_uppercase()), 9).await, ["a3"]);
    assert_eq!(found(&below("/subscriptions/s"), 9).await, ["a3", "a4"]);
    assert_eq!(found(&below("/"), 9).await, ["a2", "a3", "a4"]);
    let both = AssignmentFilter { at: vec!["/".into(), group.into()], ..below("/subscriptions/S") };
    assert_eq!(found(&both, 9).await, ["a1", "a3", "a4"]);
    let whose = |oids: &[&str]| AssignmentFilter {
        principals: Some(oids.iter().map(ToString::to_string).collect()),
        ..Default::default()
    };
    assert_eq!(found(&whose(&["P2"]), 9).await, ["a3", "a4"]);
    assert_eq!(found(&whose(&["p1", "p2"]), 3).await, ["a1", "a2", "a3"]);
    assert!(found(&whose(&[]), 9).await.is_empty());
    let after = role_assignments::search(db, &whose(&["p2"]), 1).await.unwrap().remove(0).id;
    assert_eq!(found(&AssignmentFilter { after: Some(after), ..whose(&["p2"]) }, 9).await, ["a4"]);
    let role = |role: &str| AssignmentFilter { role: Some(role.into()), ..at("/") };
    assert_eq!(found(&role("ROLE1"), 9).await, ["a1"]);
    assert!(found(&role("role2"), 9).await.is_empty());

    let mut tx = db.begin().await.unwrap();
    let again = role_assignments::insert(&mut tx, &assignment("a5", &group.to_lowercase(), "P2")).await;
    assert!(
        matches!(again, Err(StoreError::Conflict)),
        "the same role at the same scope, in another case: {again:?}"
    );
    drop(tx);

    let mut tx = db.begin().await.unwrap();
    assert_eq!(role_assignments::delete_at_and_below(&mut tx, group).await.unwrap(), 1);
    assert!(role_assignments::delete(&mut tx, &assignment("A1", "/", "").id).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(found(&AssignmentFilter::default(), 9).await, ["a2", "a4"]);

    let mut tx = db.begin().await.unwrap();
    assert_eq!(role_assignments::delete_of_principal(&mut tx, "P2").await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(found(&AssignmentFilter::default(), 9).await, ["a2"]);
}
