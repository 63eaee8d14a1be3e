-- Groups of people and programs, and of other groups. A role that a group has is its members' too.
CREATE TABLE directory_groups (
    oid TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL
);

-- `member_type` is `User`, `ServicePrincipal` or `Group`.
CREATE TABLE group_members (
    group_oid TEXT NOT NULL,
    member_oid TEXT NOT NULL,
    member_type TEXT NOT NULL,
    added BIGINT NOT NULL,
    PRIMARY KEY (group_oid, member_oid)
);
CREATE INDEX group_members_by_member ON group_members (member_oid, group_oid);

-- Whether a custom role is in use is asked before it is deleted.
CREATE INDEX role_assignments_by_role ON role_assignments (role);
