"""The Azure SDKs for Python: compute, serial console, monitor and blobs, against the demo guest."""

from datetime import datetime, timedelta, timezone

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.monitor import MonitorManagementClient
from azure.mgmt.serialconsole import MicrosoftSerialConsoleClient
from azure.storage.blob import BlobClient


@pytest.fixture(scope="module")
def clients(dev):
    """Makes a management client of a class."""
    credential = ClientSecretCredential(
        tenant_id="adfs",
        client_id=dev["CLIENT_ID"],
        client_secret=dev["CLIENT_SECRET"],
        authority=dev["URL"],
        disable_instance_discovery=True,
    )

    def client(kind):
        return kind(
            credential, dev["SUBSCRIPTION"], base_url=dev["URL"], credential_scopes=[f"{dev['URL']}/.default"]
        )

    return client


@pytest.fixture(scope="module")
def compute(clients):
    return clients(ComputeManagementClient)


def test_machines_and_their_instance_view(compute, dev):
    names = [machine.name for machine in compute.virtual_machines.list(dev["RESOURCE_GROUP"])]
    assert dev["VM"] in names
    view = compute.virtual_machines.instance_view(dev["RESOURCE_GROUP"], dev["VM"])
    assert "PowerState/running" in [status.code for status in view.statuses]
    with pytest.raises(ResourceNotFoundError) as missing:
        compute.virtual_machines.get(dev["RESOURCE_GROUP"], "nowhere")
    assert missing.value.error.code == "ResourceNotFound"


def test_boot_diagnostics_are_read_as_blobs(compute, dev):
    data = compute.virtual_machines.retrieve_boot_diagnostics_data(
        dev["RESOURCE_GROUP"], dev["VM"], sas_uri_expiration_time_in_minutes=5
    )
    log = BlobClient.from_blob_url(data.serial_console_log_blob_uri)
    properties = log.get_blob_properties()
    assert properties.blob_type == "AppendBlob"
    whole = log.download_blob().readall()
    assert b"Linux version" in whole
    assert log.download_blob(offset=5, length=20).readall() == whole[5:25]
    assert BlobClient.from_blob_url(data.console_screenshot_blob_uri).download_blob().readall()[:2] == b"BM"
    other = BlobClient.from_blob_url(data.serial_console_log_blob_uri.replace("sig=", "sig=A"))
    with pytest.raises(HttpResponseError) as refused:
        other.download_blob()
    assert refused.value.status_code == 403


def test_power(compute, dev):
    compute.virtual_machines.begin_restart(dev["RESOURCE_GROUP"], dev["VM"]).result()
    compute.virtual_machines.begin_power_off(dev["RESOURCE_GROUP"], dev["VM"], skip_shutdown=True).result()
    view = compute.virtual_machines.instance_view(dev["RESOURCE_GROUP"], dev["VM"])
    assert "PowerState/stopped" in [status.code for status in view.statuses]
    compute.virtual_machines.begin_start(dev["RESOURCE_GROUP"], dev["VM"]).result()


@pytest.fixture
def scale_set(compute, dev):
    """A scale set with one instance; its name."""
    profile = {
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerNamePrefix": "sdk", "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }
    body = {
        "location": dev["LOCATION"],
        "sku": {"name": "Standard_A0", "capacity": 1},
        "properties": {"upgradePolicy": {"mode": "Automatic"}, "virtualMachineProfile": profile},
    }
    sets = compute.virtual_machine_scale_sets
    yield sets.begin_create_or_update(dev["RESOURCE_GROUP"], "sdkset", body).result().name
    sets.begin_delete(dev["RESOURCE_GROUP"], "sdkset").result()


def test_a_scale_set_and_its_instances(compute, dev, scale_set):
    group = dev["RESOURCE_GROUP"]
    sets, instances = compute.virtual_machine_scale_sets, compute.virtual_machine_scale_set_vms
    assert scale_set in [one.name for one in sets.list(group)]
    (instance,) = instances.list(group, scale_set)
    assert (instance.instance_id, instance.latest_model_applied) == ("0", True)
    instances.begin_power_off(group, scale_set, "0", skip_shutdown=True).result()
    view = instances.get_instance_view(group, scale_set, "0")
    assert "PowerState/stopped" in [status.code for status in view.statuses]
    sets.begin_start(group, scale_set).result()
    counts = {status.code: status.count for status in sets.get_instance_view(group, scale_set).virtual_machine.statuses_summary}
    assert counts["PowerState/running"] == 1
    data = instances.retrieve_boot_diagnostics_data(group, scale_set, "0")
    assert BlobClient.from_blob_url(data.serial_console_log_blob_uri).get_blob_properties().blob_type == "AppendBlob"
    with pytest.raises(ResourceNotFoundError) as missing:
        instances.get(group, "nowhere", "0")
    assert missing.value.error.code == "ParentResourceNotFound"


def test_the_console_service(clients, dev):
    console = clients(MicrosoftSerialConsoleClient)
    assert console.get_console_status("default").properties.disabled is False
    answer = console.serial_ports.connect(
        dev["RESOURCE_GROUP"], "Microsoft.Compute", "virtualMachines", dev["VM"], "0"
    )
    assert answer.connection_string.startswith("wss://") and answer.connection_string.endswith("/client")


def test_a_serial_port_is_disabled_and_enabled(clients, dev):
    ports = clients(MicrosoftSerialConsoleClient).serial_ports
    port = [dev["RESOURCE_GROUP"], "Microsoft.Compute", "virtualMachines", dev["VM"], "0"]
    try:
        assert ports.create(*port, {"properties": {"state": "disabled"}}).properties.state == "disabled"
        assert ports.get(*port).properties.state == "disabled"
        with pytest.raises(HttpResponseError) as refused:
            ports.connect(*port)
        assert refused.value.status_code == 409 and "serial port is disabled" in str(refused.value)
    finally:
        assert ports.create(*port, {"properties": {"state": "enabled"}}).properties.state == "enabled"
    (listed,) = ports.list(*port[:-1]).value
    assert (listed.name, listed.properties.state) == ("0", "enabled")
    assert ports.connect(*port).connection_string.startswith("wss://")


def test_the_activity_log(clients, dev):
    since = (datetime.now(timezone.utc) - timedelta(hours=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    events = clients(MonitorManagementClient).activity_logs.list(
        filter=f"eventTimestamp ge '{since}' and resourceGroupName eq '{dev['RESOURCE_GROUP']}'"
    )
    assert "Microsoft.Compute/virtualMachines/write" in {event.operation_name.value for event in events}
