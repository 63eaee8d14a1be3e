"""Templates and `az vm create` with the unmodified CLI: the guests that they make are real."""

import json

import pytest

# As people write them, with a comment; `az` sends the file as it stands.
TEMPLATE = """{
    "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
    "contentVersion": "1.0.0.0",
    "parameters": {
        "virtualMachineName": { "type": "string" },
        "networkInterfaceName": { "type": "string" },
        "location": { "type": "string", "defaultValue": "[resourceGroup().location]" }
    },
    "resources": [
        // The network interface is not of this template: it was made before.
        {
            "name": "[parameters('virtualMachineName')]",
            "type": "Microsoft.Compute/virtualMachines",
            "apiVersion": "2020-06-01",
            "location": "[parameters('location')]",
            "dependsOn": [ "[concat('Microsoft.Network/networkInterfaces/', parameters('networkInterfaceName'))]" ],
            "properties": {
                "hardwareProfile": { "vmSize": "Standard_A0" },
                "storageProfile": {
                    "osDisk": { "createOption": "fromImage", "managedDisk": { "storageAccountType": "Standard_LRS" } },
                    "imageReference": { "publisher": "Hardline", "offer": "hardline-demo", "sku": "default", "version": "latest" }
                },
                "networkProfile": {
                    "networkInterfaces": [
                        { "id": "[resourceId('Microsoft.Network/networkInterfaces', parameters('networkInterfaceName'))]" }
                    ]
                },
                "osProfile": {
                    "computerName": "[toLower(parameters('virtualMachineName'))]",
                    "adminUsername": "op",
                    "linuxConfiguration": { "disablePasswordAuthentication": true }
                },
                "diagnosticsProfile": { "bootDiagnostics": { "enabled": true } }
            }
        }
    ],
    "outputs": { "vmId": { "type": "string", "value": "[reference(parameters('virtualMachineName')).vmId]" } }
}"""


@pytest.fixture(scope="module")
def group(az, dev):
    """A group of its own, with a network; deleted with all that is in it."""
    name = "templates"
    az("group", "create", "-n", name, "-l", dev["LOCATION"])
    yield name
    az("group", "delete", "-n", name, "--yes")
    assert az("group", "exists", "-n", name) is False


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The template as a file, and the words that name it with its parameters."""
    file = tmp_path_factory.mktemp("templates") / "machine.json"
    file.write_text(TEMPLATE)
    return ["--template-file", str(file), "--parameters", "virtualMachineName=Seed", "networkInterfaceName=seed-nic"]


def test_a_template_with_a_machine(az, dev, group, template):
    words = ["deployment", "group"]
    missing = az.fails(1, "InvalidTemplate", *words, "validate", "-g", group, *template)
    assert "seed-nic" in missing.err
    az("network", "vnet", "create", "-g", group, "-n", "net", "--subnet-name", "default")
    az("network", "nic", "create", "-g", group, "-n", "seed-nic", "--vnet-name", "net", "--subnet", "default")

    assert az(*words, "validate", "-g", group, *template)["properties"]["provisioningState"] == "Succeeded"
    what_if = az(*words, "what-if", "-g", group, "--no-pretty-print", *template)
    told = {change["resourceId"].rsplit("/", 1)[1]: change["changeType"] for change in what_if["changes"]}
    assert told == {"Seed": "Create", "net": "Ignore", "seed-nic": "Ignore"}

    lines = az.table(*words, "create", "-g", group, "-n", "first", *template)
    assert lines[2].split()[:2] == ["first", "Succeeded"], lines
    done = az(*words, "show", "-g", group, "-n", "first")["properties"]
    vm = az("vm", "show", "-d", "-g", group, "-n", "Seed")
    assert done["outputs"]["vmId"]["value"] == vm["vmId"]
    assert vm["powerState"] == "VM running" and vm["privateIps"].startswith("10.0.0.")
    steps = az("deployment", "operation", "group", "list", "-g", group, "-n", "first")
    assert [step["properties"]["provisioningState"] for step in steps] == ["Succeeded", "Succeeded"]
    assert [d["name"] for d in az(*words, "list", "-g", group)] == ["first"]

    # Boot diagnostics are managed, and the log is there from the first byte.
    assert vm["diagnosticsProfile"]["bootDiagnostics"] == {"enabled": True}
    log = ""
    for _ in range(30):
        log = log or az("vm", "boot-diagnostics", "get-boot-log", "-g", group, "-n", "Seed")
    assert log.startswith("[    0.000000] Linux version")

    again = az(*words, "what-if", "-g", group, "--no-pretty-print", *template)
    assert {c["changeType"] for c in again["changes"]} == {"NoChange", "Ignore"}, json.dumps(again)


def test_a_template_that_cannot_be(az, group, tmp_path):
    file = tmp_path / "bad.json"
    file.write_text(TEMPLATE.replace("toLower(", "toLowest("))
    words = ["-g", group, "--template-file", str(file), "--parameters", "virtualMachineName=x", "networkInterfaceName=y"]
    refused = az.fails(1, "InvalidTemplate", "deployment", "group", "create", *words)
    assert "toLowest" in refused.err and "line '" in refused.err
    file.write_text(TEMPLATE.replace("Standard_A0", "Standard_Enormous"))
    words = [*words[:-1], "networkInterfaceName=seed-nic"]
    failed = az.fails(1, "DeploymentFailed", "deployment", "group", "create", *words)
    assert "Standard_Enormous" in failed.err


def test_vm_create(az, group):
    images = az.table("vm", "image", "list-offers", "-p", "Hardline", "-l", "local")
    assert images[-1].split() == ["local", "hardline-demo"], images
    made = az(
        "vm", "create", "-g", group, "-n", "made", "--image", "Hardline:hardline-demo:default:latest", "--size", "Standard_A0",
        "--authentication-type", "password", "--admin-username", "op", "--admin-password", "Correct horse 7!",
    )
    assert made["powerState"] == "VM running" and made["privateIpAddress"].startswith("10.")
    vm = az("vm", "show", "-g", group, "-n", "made")
    # Nobody asked for it: it is on by default.
    assert vm["diagnosticsProfile"]["bootDiagnostics"]["enabled"] is True
    assert any(size["name"] == "Standard_A0" for size in az("vm", "list-sizes", "-l", "local"))
