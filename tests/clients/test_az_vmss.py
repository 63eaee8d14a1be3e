"""Scale sets with `az`: real guests as instances, numbered by a Uniform set, and ordinary machines in a Flexible one."""

import json
import time
import urllib.request
import uuid

import pytest

from serial_console_stand_in import Refused, StandIn

PASSWORD = "correct horse 7"
DISK = {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}}


def body(dev, mode):
    return {
        "location": dev["LOCATION"],
        "sku": {"name": "Standard_A0", "capacity": 1},
        "properties": {
            "orchestrationMode": mode,
            "upgradePolicy": {"mode": "Manual"},
            "virtualMachineProfile": {
                "storageProfile": DISK,
                "osProfile": {"computerNamePrefix": "web", "adminUsername": "operator", "adminPassword": PASSWORD},
            },
        },
    }


def make(az, dev, mode):
    """A set with one instance; the words that name it."""
    name = f"set{uuid.uuid4().hex[:6]}"
    url = f"/subscriptions/{{subscriptionId}}/resourceGroups/{dev['RESOURCE_GROUP']}/providers/Microsoft.Compute"
    az(
        "rest", "--method", "put", "--url", f"{url}/virtualMachineScaleSets/{name}?api-version=2024-11-01",
        "--body", json.dumps(body(dev, mode)),
    )
    words = ["-g", dev["RESOURCE_GROUP"], "-n", name]
    assert az.run("vmss", "wait", "--created", "--interval", "1", *words).code == 0
    return words


@pytest.fixture(scope="module")
def uniform(az, dev):
    words = make(az, dev, "Uniform")
    yield words
    assert az.run("vmss", "delete", *words).code == 0
    assert words[-1] not in [vmss["name"] for vmss in az("vmss", "list")]


@pytest.fixture
def flexible(az, dev):
    words = make(az, dev, "Flexible")
    yield words
    az.run("vmss", "delete", *words)


def instances(az, words):
    return {one["instanceId"]: one for one in az("vmss", "list-instances", *words, "--expand", "instanceView")}


def power(az, words, instance):
    view = az("vmss", "get-instance-view", *words, "--instance-id", instance)
    return view["statuses"][1]["displayStatus"]


def test_a_set_is_shown(az, dev, uniform):
    shown = az("vmss", "show", *uniform)
    assert (shown["sku"]["capacity"], shown["provisioningState"]) == (1, "Succeeded")
    assert "adminPassword" not in shown["virtualMachineProfile"]["osProfile"]
    listed = az.table("vmss", "list", "-g", dev["RESOURCE_GROUP"])
    assert [line.split()[-2:] for line in listed if line.startswith(uniform[-1])] == [["1", "Manual"]]
    view = az("vmss", "get-instance-view", *uniform)
    assert {"code": "PowerState/running", "count": 1} in view["virtualMachine"]["statusesSummary"]
    assert az.table("vmss", "get-instance-view", *uniform)[-1].strip() == "Provisioning succeeded"
    (each,) = az("vmss", "get-instance-view", *uniform, "--instance-id", "*")
    assert each["computerName"] == "web000000"
    assert "VM running" in az.table("vmss", "get-instance-view", *uniform, "--instance-id", "0")[-1]
    assert az.table("vmss", "list-instances", *uniform)[-1].split()[:2] == ["0", "True"]
    assert az("vmss", "show", *uniform, "--instance-id", "0")["name"] == f"{uniform[-1]}_0"


def test_the_boot_log_of_an_instance(az, dev, uniform):
    url = f"{az('vmss', 'show', *uniform)['id']}/virtualMachines/0/retrieveBootDiagnosticsData?api-version=2024-07-01"
    end = time.monotonic() + 180
    while True:
        data = az("rest", "--method", "post", "--url", url)
        with urllib.request.urlopen(data["serialConsoleLogBlobUri"]) as answer:
            log = answer.read().decode(errors="replace")
        if log.rstrip().endswith("login:"):
            break
        assert time.monotonic() < end, "the guest does not come to its prompt"
    assert "Linux version" in log and "web000000 login:" in log
    with urllib.request.urlopen(data["consoleScreenshotBlobUri"]) as answer:
        assert answer.read(2) == b"BM"


def test_the_console_of_an_instance(az, dev, uniform):
    console = StandIn(dev["URL"], dev["SUBSCRIPTION"], az("account", "get-access-token")["accessToken"])
    session = console.connect(dev["RESOURCE_GROUP"], uniform[-1], "0")
    session.type("\r")
    session.until("login: ")
    session.type("operator\r")
    session.until("Password: ")
    session.type(PASSWORD + "\r")
    session.until("$ ")
    session.type("hostname\r")
    session.until("\nweb000000")
    assert session.send("nmi") == 200
    session.close()
    with pytest.raises(Refused, match="instance"):
        console.connect(dev["RESOURCE_GROUP"], uniform[-1])


def test_power(az, uniform):
    for verb, more, state in [
        ("stop", ["--skip-shutdown"], "VM stopped"),
        ("start", [], "VM running"),
        ("restart", ["--instance-ids", "0"], "VM running"),
        ("deallocate", ["--instance-ids", "0"], "VM deallocated"),
        ("start", ["--instance-ids", "0"], "VM running"),
    ]:
        done = az.run("vmss", verb, *uniform, *more)
        assert done.code == 0, done
        assert power(az, uniform, "0") == state
    az.fails(1, "is not an active Virtual Machine Scale Set VM instanceId", "vmss", "start", *uniform, "--instance-ids", "77")


def test_out_in_and_upgrade(az, uniform):
    assert az("vmss", "scale", *uniform, "--new-capacity", "2")["sku"]["capacity"] == 2
    assert sorted(instances(az, uniform)) == ["0", "1"]
    # The new size is the model's; the instances keep theirs until they are upgraded.
    az("vmss", "update", *uniform, "--set", "sku.name=Standard_B1ls")
    assert {one["latestModelApplied"] for one in instances(az, uniform).values()} == {False}
    assert az.run("vmss", "update-instances", *uniform, "--instance-ids", "1").code == 0
    upgraded = instances(az, uniform)
    assert (upgraded["0"]["latestModelApplied"], upgraded["1"]["latestModelApplied"]) == (False, True)
    assert upgraded["1"]["sku"]["name"] == "Standard_B1ls"
    assert upgraded["1"]["instanceView"]["statuses"][1]["code"] == "PowerState/running"
    assert az.run("vmss", "delete-instances", *uniform, "--instance-ids", "0").code == 0
    assert sorted(instances(az, uniform)) == ["1"]
    assert az("vmss", "scale", *uniform, "--new-capacity", "0")["sku"]["capacity"] == 0
    assert instances(az, uniform) == {}


def test_boot_diagnostics_of_the_model(az, uniform):
    off = "virtualMachineProfile.diagnosticsProfile={\"bootDiagnostics\":{\"enabled\":\"False\"}}"
    updated = az("vmss", "update", *uniform, "--set", off)
    assert updated["virtualMachineProfile"]["diagnosticsProfile"]["bootDiagnostics"]["enabled"] is False


def test_a_flexible_set_is_made_of_machines(az, dev, flexible):
    ((name, instance),) = instances(az, flexible).items()
    assert name.startswith(f"{flexible[-1]}_") and instance["instanceView"]["statuses"][1]["code"] == "PowerState/running"
    machine = az("vm", "show", "-g", dev["RESOURCE_GROUP"], "-n", name)
    assert machine["virtualMachineScaleSet"]["id"] == az("vmss", "show", *flexible)["id"]
    assert [vm["name"] for vm in az("vm", "list", "--vmss", machine["virtualMachineScaleSet"]["id"])] == [name]
    assert az.run("vmss", "stop", *flexible, "--instance-ids", name).code == 0
    assert az("vm", "get-instance-view", "-g", dev["RESOURCE_GROUP"], "-n", name)["instanceView"]["statuses"][1]["code"] == "PowerState/stopped"
    assert az.run("vmss", "delete", *flexible).code == 0
    assert name not in [vm["name"] for vm in az("vm", "list", "-g", dev["RESOURCE_GROUP"])]
