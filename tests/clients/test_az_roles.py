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


PASSWORD = "correct horse 7"
# As az writes what the server refuses, and as it writes any refusal of the boot log.
REFUSED, NO_LOG = "(AuthorizationFailed)", "Please enable boot diagnostics"


@pytest.fixture(scope="module")
def theirs(registered):
    """`az` of whoever signs in last."""
    return registered("roles")


@pytest.fixture
def signed_in(az, theirs, scope):
    """Signs somebody new in who has one role at the demo group; `az` of theirs."""
    made = []

    def sign_in(name, role):
        url = f"{DIRECTORY}/users/{name}@hardline.local?{VERSION}"
        made.append(url)
        body = json.dumps({"properties": {"password": PASSWORD}})
        oid = az("rest", "--method", "put", "--url", url, "--body", body)["properties"]["objectId"]
        create = ["role", "assignment", "create", "--role", role, "--scope", scope]
        az(*create, "--assignee-object-id", oid, "--assignee-principal-type", "User")
        theirs("login", "-u", f"{name}@hardline.local", "-p", PASSWORD)
        return theirs

    yield sign_in
    for url in made:
        az.run("rest", "--method", "delete", "--url", url)


def test_a_reader_sees_documents_and_no_guest(signed_in, dev, vm):
    reader = signed_in("reader", "Reader")
    assert dev["VM"] in [one["name"] for one in reader("vm", "list")]
    assert reader("vm", "show", "-d", *vm)["powerState"] == "VM running"
    reader.fails(1, NO_LOG, "vm", "boot-diagnostics", "get-boot-log", *vm)
    reader.fails(1, REFUSED, "vm", "boot-diagnostics", "get-boot-log-uris", *vm)
    reader.fails(1, REFUSED, "vm", "start", *vm)


def test_a_virtual_machine_contributor_has_machines_and_gives_no_rights(signed_in, dev, vm, scope):
    contributor = signed_in("machines", "Virtual Machine Contributor")
    assert contributor("vm", "boot-diagnostics", "get-boot-log", *vm).startswith("[    0.000000] Linux version ")
    assert contributor.run("vm", "start", *vm).code == 0
    contributor.fails(1, REFUSED, "group", "create", "-n", "theirs", "-l", dev["LOCATION"])
    create = ["role", "assignment", "create", "--role", "Owner", "--scope", scope]
    contributor.fails(1, REFUSED, *create, "--assignee-object-id", dev["CLIENT_ID"], "--assignee-principal-type", "User")


@pytest.fixture
def power_only(az, dev):
    """A custom role: machines and all that one does with them, except what its notActions take away."""
    machines = "Microsoft.Compute/virtualMachines"
    role = {
        "Name": "Power only",
        "Description": "Machines, but for restarts, boot logs and deleting",
        "Actions": [f"{machines}/*", "Microsoft.Resources/subscriptions/resourceGroups/read"],
        "NotActions": [f"{machines}/restart/action", "*/retrieveBootDiagnosticsData/action", "*/delete"],
        "AssignableScopes": [f"/subscriptions/{dev['SUBSCRIPTION']}"],
    }
    yield az("role", "definition", "create", "--role-definition", json.dumps(role))["name"]
    az.run("role", "definition", "delete", "--name", "Power only")


def test_not_actions_take_away(power_only, signed_in, dev, vm):
    operator = signed_in("power", power_only)
    assert dev["VM"] in [one["name"] for one in operator("vm", "list")]
    assert operator.run("vm", "start", *vm).code == 0
    operator.fails(1, REFUSED, "vm", "restart", *vm)
    operator.fails(1, REFUSED, "vm", "boot-diagnostics", "get-boot-log-uris", *vm)
    operator.fails(1, REFUSED, "vm", "delete", *vm, "--yes")


def test_a_key_operator_has_no_machines(signed_in, dev, vm):
    operator = signed_in("keeper", "Storage Account Key Operator Service Role")
    operator.fails(1, REFUSED, "vm", "start", *vm)
    operator.fails(1, REFUSED, "vm", "list", "-g", dev["RESOURCE_GROUP"])
