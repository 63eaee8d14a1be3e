"""What people look at: the commands of boot diagnostics, power, roles, storage, groups and templates as tables.

The other files ask the same commands for JSON. A table is made by az itself out of the same answer; what is asserted is that it
has the rows that it should have.
"""

import json

import pytest

TEMPLATE = {
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "resources": [
        {
            "type": "Microsoft.Network/networkSecurityGroups", "apiVersion": "2022-01-01", "name": "guard",
            "location": "[resourceGroup().location]",
        }
    ],
}


def cells(lines, row=2):
    """The words of a table's row; the first two lines are its head."""
    assert len(lines) > row and set(lines[1]) <= set("- "), lines
    return lines[row].split()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["vm", "list", "-d"], "VM running"),
        (["vm", "show", "-d", "VM"], "VM running"),
        (["vm", "get-instance-view", "VM"], "Succeeded"),
        (["vm", "boot-diagnostics", "get-boot-log-uris", "VM"], "https://"),
        (["vm", "boot-diagnostics", "get-boot-log", "VM"], "Linux version "),
        (["monitor", "activity-log", "list", "--offset", "4h"], "Informational"),
        (["role", "assignment", "list", "--all"], "Owner"),
        (["group", "list"], "Succeeded"),
        (["rest", "--url", "/subscriptions/{subscriptionId}/resourceGroups?api-version=2024-11-01"], ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_only_looks(az, vm, words, says):
    words = words[:-1] + vm if words[-1] == "VM" else words
    lines = az.table(*words)
    assert lines and any(says in line for line in lines), lines


def test_a_resource(az, vm):
    shown = az("vm", "show", *vm)
    assert vm[-1] in cells(az.table("resource", "show", "--ids", shown["id"]))


def test_power_and_boot_diagnostics_print_nothing(az, vm):
    for words in [
        ["boot-diagnostics", "disable"],
        ["boot-diagnostics", "enable"],
        ["stop", "--skip-shutdown"],
        ["start"],
        ["restart"],
        ["deallocate"],
        ["start"],
    ]:
        # Some print the operation, without columns that a table would show.
        az.table("vm", *words, *vm)
    assert any("VM running" in line for line in az.table("vm", "list", "-d"))


@pytest.fixture
def group(az, dev):
    """A group, made and deleted with tables."""
    assert cells(az.table("group", "create", "-n", "tables", "-l", dev["LOCATION"])) == [dev["LOCATION"], "tables"]
    yield "tables"
    assert az.table("group", "delete", "-n", "tables", "--yes") == []


def test_roles_storage_and_templates(az, dev, group, tmp_path):
    scope = az("group", "show", "-n", group)["id"]
    role = {"Name": "Looks", "Description": "Looks", "Actions": ["*/read"], "AssignableScopes": [scope]}
    made = az.table("role", "definition", "create", "--role-definition", json.dumps(role))
    assert "Looks" in " ".join(made), made
    who = ["--assignee-object-id", "00000000-0000-4000-8000-00000000cafe", "--assignee-principal-type", "ServicePrincipal"]
    mine = az("role", "assignment", "list", "--all")[0]
    who[1], who[3] = mine["principalId"], mine["principalType"]
    create = az.table("role", "assignment", "create", "--role", "Looks", "--scope", scope, *who)
    assert mine["principalId"] in " ".join(create), create
    assert "Looks" in " ".join(cells(az.table("role", "assignment", "list", "--scope", scope)))
    assert az.table("role", "assignment", "delete", "--role", "Looks", "--scope", scope, "--assignee", who[1]) == []
    assert az.run("role", "definition", "delete", "--name", "Looks", "--scope", scope).code == 0

    account = ["-g", group, "-n", "clientstable1"]
    assert "clientstable1" in cells(az.table("storage", "account", "create", *account, "-l", dev["LOCATION"], "--sku", "Standard_LRS"))
    keys = az.table("storage", "account", "keys", "list", *account)
    assert [cells(keys, row)[-3:-1] != [] for row in (2, 3)] == [True, True] and "key1" in " ".join(keys)
    az.table("storage", "account", "network-rule", "add", *account, "--ip-address", "192.0.2.0/24")

    file = tmp_path / "guard.json"
    file.write_text(json.dumps(TEMPLATE))
    words = ["-g", group, "-n", "first", "--template-file", str(file)]
    assert "Succeeded" in cells(az.table("deployment", "group", "validate", *words))
    assert any("guard" in line for line in az.table("deployment", "group", "what-if", *words))
    assert cells(az.table("deployment", "group", "create", *words))[:2] == ["first", "Succeeded"]
    assert "guard" in cells(az.table("network", "nsg", "list", "-g", group))


def test_vm_create_and_the_blob(az, dev, group, tmp_path):
    made = az.table(
        "vm", "create", "-g", group, "-n", "tabled", "--image", "Hardline:hardline-demo:default:latest", "--size", "Standard_A0",
        "--authentication-type", "password", "--admin-username", "op", "--admin-password", "Correct horse 7!",
    )
    assert "running" in " ".join(cells(made)), made
    uri = az("vm", "boot-diagnostics", "get-boot-log-uris", "-g", group, "-n", "tabled")["serialConsoleLogBlobUri"]
    file = tmp_path / "log"
    downloaded = az.table("storage", "blob", "download", "--blob-url", uri, "-f", str(file), "--no-progress")
    assert downloaded and file.exists()
