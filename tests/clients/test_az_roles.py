"""Roles with `az`: custom ones, assignments to people and groups, what somebody with them may do."""

import json

import pytest

DIRECTORY = "/providers/Hardline.Identity"
VERSION = "api-version=2026-11-01"
KEYS = "Microsoft.Storage/storageAccounts/listKeys/action"


@pytest.fixture
def night(az):
    """A group; its object id."""
    url = f"{DIRECTORY}/groups/night?{VERSION}"
    yield az("rest", "--method", "put", "--url", url, "--body", "{}")["properties"]["objectId"]
    az.run("rest", "--method", "delete", "--url", url)


@pytest.fixture
def ann(az, night):
    """A user in the group; her object id."""
    url = f"{DIRECTORY}/users/ann@hardline.local?{VERSION}"
    body = json.dumps({"properties": {"password": "correct horse 7"}})
    oid = az("rest", "--method", "put", "--url", url, "--body", body)["properties"]["objectId"]
    member = f"{DIRECTORY}/groups/night/members/{oid}?{VERSION}"
    az("rest", "--method", "put", "--url", member, "--body", "{}")
    yield oid
    az.run("rest", "--method", "delete", "--url", url)


@pytest.fixture
def scope(dev):
    return f"/subscriptions/{dev['SUBSCRIPTION']}/resourceGroups/{dev['RESOURCE_GROUP']}"


@pytest.fixture
def keys_only(az, dev):
    """A custom role."""
    role = {
        "Name": "Keys only",
        "Description": "The keys of storage accounts",
        "Actions": [KEYS],
        "AssignableScopes": [f"/subscriptions/{dev['SUBSCRIPTION']}"],
    }
    yield az("role", "definition", "create", "--role-definition", json.dumps(role))
    az.run("role", "definition", "delete", "--name", "Keys only")


def test_a_custom_role_is_made_found_and_changed(az, dev, keys_only):
    assert (keys_only["roleName"], keys_only["roleType"]) == ("Keys only", "CustomRole")
    listed = az("role", "definition", "list", "--custom-role-only")
    assert [role["roleName"] for role in listed] == ["Keys only"]
    changed = {
        "name": "Keys only",
        "description": "More",
        "actions": [KEYS, "*/read"],
        "assignableScopes": keys_only["assignableScopes"],
    }
    after = az("role", "definition", "update", "--role-definition", json.dumps(changed))
    assert after["permissions"][0]["actions"] == [KEYS, "*/read"]
    assert after["id"] == keys_only["id"]


def test_a_group_gets_a_role_and_loses_it(az, ann, night, scope, keys_only):
    create = ["role", "assignment", "create", "--role", "Keys only", "--scope", scope]
    create += ["--assignee-object-id", night, "--assignee-principal-type", "Group"]
    made = az(*create)
    # The same again is the same.
    assert az(*create)["id"] == made["id"]
    listed = az("role", "assignment", "list", "--scope", scope)
    assert [(a["principalName"], a["roleDefinitionName"]) for a in listed] == [("night", "Keys only")]
    hers = az("role", "assignment", "list", "--assignee", "ann@hardline.local", "--include-groups", "--all")
    assert [a["id"] for a in hers] == [made["id"]]
    assert az("role", "assignment", "list", "--assignee", ann, "--all") == []
    in_use = az.run("role", "definition", "delete", "--name", "Keys only")
    assert in_use.code == 1 and "RoleDefinitionHasAssignments" in in_use.err, in_use
    assert az.run("role", "assignment", "delete", "--ids", made["id"]).code == 0
    assert az("role", "assignment", "list", "--scope", scope) == []


def test_one_s_own_permissions(az, scope):
    url = f"{scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
    assert az("rest", "--url", url)["value"][0]["actions"] == ["*"]
