//! Groups, what they were given, and custom roles.

use hardline_store::db::groups::{self, Group, Member};
use hardline_store::db::principals::{self, Principal};
use hardline_store::db::role_assignments::{self, RoleAssignment};
use hardline_store::db::role_definitions;
use hardline_store::{Db, StoreError};

fn group(oid: &str, name: &str) -> Group {
    Group { oid: oid.into(), name: name.into(), description: String::new(), created: 1 }
}

fn member(oid: &str, member_type: &str) -> Member {
    Member { oid: oid.into(), member_type: member_type.into(), added: 2 }
}

/// outer holds inner and p2, inner holds p1.
async fn nested(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    groups::insert(&mut tx, &group("outer", "Operators")).await.unwrap();
    groups::insert(&mut tx, &group("inner", "Night shift")).await.unwrap();
    assert!(groups::add_member(&mut tx, "OUTER", &member("Inner", "Group")).await.unwrap());
    assert!(groups::add_member(&mut tx, "outer", &member("p2", "User")).await.unwrap());
    assert!(groups::add_member(&mut tx, "inner", &member("p1", "User")).await.unwrap());
    assert!(!groups::add_member(&mut tx, "inner", &member("P1", "User")).await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn members_of_members_are_members(db: &Db) {
    nested(db).await;
    let mut tx = db.begin().await.unwrap();
    let twice = groups::insert(&mut tx, &group("third", "OPERATORS")).await;
    assert!(matches!(twice, Err(StoreError::Conflict)), "{twice:?}");
    drop(tx);

    assert_eq!(groups::by_name(db, "night SHIFT").await.unwrap(), Some(group("inner", "Night shift")));
    let names: Vec<_> = groups::list(db, None, 9).await.unwrap().into_iter().map(|g| g.name).collect();
    assert_eq!(names, ["Night shift", "Operators"]);
    assert_eq!(groups::list(db, Some("night shift"), 9).await.unwrap(), [group("outer", "Operators")]);
    assert_eq!(groups::members(db, "outer").await.unwrap(), [member("inner", "Group"), member("p2", "User")]);
    assert_eq!(groups::of_member(db, "P1").await.unwrap(), ["inner", "outer"]);
    assert_eq!(groups::of_member(db, "p2").await.unwrap(), ["outer"]);
    assert!(groups::holds(db, "outer", "p1").await.unwrap());
    assert!(groups::holds(db, "inner", "INNER").await.unwrap());
    assert!(!groups::holds(db, "inner", "p2").await.unwrap());

    // Nobody should make a circle; if one is there all the same, it ends.
    let mut tx = db.begin().await.unwrap();
    groups::add_member(&mut tx, "inner", &member("outer", "Group")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(groups::of_member(db, "p2").await.unwrap(), ["inner", "outer"]);

    let mut tx = db.begin().await.unwrap();
    assert!(groups::set_description(&mut tx, "INNER", "At night", 3).await.unwrap());
    assert!(!groups::set_description(&mut tx, "nobody", "x", 3).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(groups::get(db, "inner").await.unwrap().unwrap().description, "At night");

    let mut tx = db.begin().await.unwrap();
    assert!(groups::remove_member(&mut tx, "inner", "P1").await.unwrap());
    assert!(!groups::remove_member(&mut tx, "inner", "p1").await.unwrap());
    assert!(groups::delete(&mut tx, "OUTER").await.unwrap());
    assert!(!groups::delete(&mut tx, "outer").await.unwrap());
    tx.commit().await.unwrap();
    assert!(groups::of_member(db, "p2").await.unwrap().is_empty());
    assert!(groups::members(db, "inner").await.unwrap().is_empty());
}

fn assignment(name: &str, role: &str, principal: &str) -> RoleAssignment {
    RoleAssignment {
        id: format!("/providers/Microsoft.Authorization/roleAssignments/{name}"),
        name: name.into(),
        scope: "/".into(),
        role: role.into(),
        principal: principal.into(),
        principal_type: "User".into(),
        body: "{}".into(),
        created: 1,
        created_by: "me".into(),
    }
}

pub async fn what_counts_for_a_principal(db: &Db) {
    nested(db).await;
    let mut tx = db.begin().await.unwrap();
    let person = Principal {
        oid: "p1".into(),
        kind: "user".into(),
        name: "ann".into(),
        display_name: "Ann".into(),
        password_hash: "x".into(),
        disabled: false,
        created: 1,
    };
    principals::insert(&mut tx, &person).await.unwrap();
    role_definitions::put(&mut tx, "Custom", "Mine", "{\"a\":1}", 1).await.unwrap();
    role_assignments::insert(&mut tx, &assignment("a1", "reader", "p1")).await.unwrap();
    role_assignments::insert(&mut tx, &assignment("a2", "CUSTOM", "outer")).await.unwrap();
    role_assignments::insert(&mut tx, &assignment("a3", "reader", "p2")).await.unwrap();
    tx.commit().await.unwrap();

    let granted = async |who: &str| -> Vec<_> {
        let found = role_assignments::granted(db, who).await.unwrap();
        found.into_iter().map(|g| (g.assignment.name, g.custom_role)).collect()
    };
    let (own, through) = (("a1".to_owned(), None), ("a2".to_owned(), Some("{\"a\":1}".to_owned())));
    assert_eq!(granted("P1").await, [own.clone(), through.clone()]);
    assert_eq!(granted("p2").await, [through, ("a3".to_owned(), None)]);
    assert!(granted("p3").await.is_empty());

    let mut tx = db.begin().await.unwrap();
    groups::remove_member(&mut tx, "inner", "p1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(granted("p1").await, [own]);

    let mut tx = db.begin().await.unwrap();
    principals::set_disabled(&mut tx, "p1", true, 2).await.unwrap();
    principals::set_display_name(&mut tx, "p1", "Ann B.", 2).await.unwrap();
    assert!(matches!(principals::set_display_name(&mut tx, "p9", "x", 2).await, Err(StoreError::NotFound)));
    tx.commit().await.unwrap();
    assert!(granted("p1").await.is_empty(), "who may not sign in has no rights either");

    let mut tx = db.begin().await.unwrap();
    assert!(role_assignments::set_body(&mut tx, &assignment("A1", "", "").id, "{\"b\":2}").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(role_assignments::of_principal(db, "p1").await.unwrap()[0].body, "{\"b\":2}");

    let mut tx = db.begin().await.unwrap();
    assert!(principals::delete(&mut tx, "P1").await.unwrap());
    assert!(!principals::delete(&mut tx, "p1").await.unwrap());
    tx.commit().await.unwrap();
    assert!(role_assignments::of_principal(db, "p1").await.unwrap().is_empty());
}

pub async fn custom_roles_have_names_of_their_own(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    role_definitions::put(&mut tx, "R1", "Log reader", "1", 1).await.unwrap();
    role_definitions::put(&mut tx, "r1", "Log Reader", "2", 2).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(role_definitions::get(db, "R1").await.unwrap().as_deref(), Some("2"));
    assert_eq!(role_definitions::count(db).await.unwrap(), 1);

    let mut tx = db.begin().await.unwrap();
    let taken = role_definitions::put(&mut tx, "r2", "LOG READER", "3", 3).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    drop(tx);

    let mut tx = db.begin().await.unwrap();
    assert!(role_definitions::delete(&mut tx, "R1").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(role_definitions::get(db, "r1").await.unwrap(), None);
    assert!(role_definitions::list(db).await.unwrap().is_empty());
}
