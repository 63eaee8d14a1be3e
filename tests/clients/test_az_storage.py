"""`az storage …` and the blob SDK with an account of one's own: keys, rules, SAS, and the demo guest's log in it.

Every command names the connection string or the blob endpoint: the account's name alone would be an address below
`blob.core.localhost`, which is in no DNS.
"""

import json

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

NAME = "clientsacct1"
FIRST_LINE = b"[    0.000000] Linux version "


@pytest.fixture(scope="module")
def account(az, dev):
    """The words that name the account; it is made first and deleted at the end."""
    assert az("storage", "account", "check-name", "-n", NAME)["nameAvailable"] is True
    made = az("storage", "account", "create", "-g", dev["RESOURCE_GROUP"], "-n", NAME, "-l", dev["LOCATION"], "--sku", "Standard_LRS")
    assert (made["kind"], made["sku"]["name"], made["provisioningState"]) == ("StorageV2", "Standard_LRS", "Succeeded")
    words = ["-g", dev["RESOURCE_GROUP"], "-n", NAME]
    yield words
    assert az.run("storage", "account", "delete", *words, "-y").code == 0
    az.fails(3, "(ResourceNotFound)", "storage", "account", "show", *words)


@pytest.fixture
def operator(az, registered, account):
    """`az` of somebody who is Storage Account Key Operator at the account, and nothing else."""
    url = "/providers/Hardline.Identity/users/keys@hardline.local?api-version=2026-11-01"
    body = json.dumps({"properties": {"password": "correct horse 7"}})
    oid = az("rest", "--method", "put", "--url", url, "--body", body)["properties"]["objectId"]
    scope = az("storage", "account", "show", *account)["id"]
    az(
        "role", "assignment", "create", "--role", "Storage Account Key Operator Service Role", "--scope", scope,
        "--assignee-object-id", oid, "--assignee-principal-type", "User",
    )
    theirs = registered("operator")
    theirs("login", "-u", "keys@hardline.local", "-p", "correct horse 7", "--allow-no-subscriptions")
    yield theirs
    az.run("rest", "--method", "delete", "--url", url)


@pytest.fixture(scope="module")
def connection(az, account):
    return az("storage", "account", "show-connection-string", *account)["connectionString"]


@pytest.fixture(scope="module")
def diagnostics(az, vm, account):
    """The demo guest's boot diagnostics go to the account."""
    assert az("vm", "boot-diagnostics", "enable", *vm, "--storage", NAME) is None
    yield az("vm", "get-instance-view", *vm)["instanceView"]["bootDiagnostics"]
    assert az("vm", "boot-diagnostics", "enable", *vm) is None
    assert az("vm", "get-instance-view", *vm)["instanceView"]["bootDiagnostics"] == {}


@pytest.fixture(scope="module")
def blob(diagnostics):
    """Container and name of the log."""
    return diagnostics["serialConsoleLogBlobUri"].split("/")[-2:]


def test_an_account_is_listed_shown_and_changed(az, account):
    assert any(NAME in line.split() for line in az.table("storage", "account", "list"))
    shown = az("storage", "account", "show", *account)
    assert shown["id"].endswith(f"/providers/Microsoft.Storage/storageAccounts/{NAME}")
    assert shown["primaryEndpoints"]["blob"].endswith(f"/{NAME}/")
    changed = az("storage", "account", "update", *account, "--tags", "a=b", "--sku", "Standard_GRS")
    assert (changed["tags"], changed["sku"]["name"]) == ({"a": "b"}, "Standard_GRS")
    taken = az("storage", "account", "check-name", "-n", NAME)
    assert (taken["nameAvailable"], taken["reason"]) == (False, "AlreadyExists")


def test_keys(az, account):
    first, second = (key["value"] for key in az("storage", "account", "keys", "list", *account))
    renewed = az("storage", "account", "keys", "renew", *account, "--key", "key2")
    assert renewed[0]["value"] == first and renewed[1]["value"] != second


def test_a_key_operator_has_the_keys_and_nothing_else(operator, account):
    assert len(operator("storage", "account", "keys", "list", *account)) == 2
    operator.fails(1, "(AuthorizationFailed)", "storage", "account", "show", *account)
    operator.fails(1, "(AuthorizationFailed)", "storage", "account", "update", *account, "--tags", "x=y")


def test_network_rules(az, account):
    rule = [*account, "--ip-address", "192.0.2.0/24"]
    az("storage", "account", "network-rule", "add", *rule)
    listed = az("storage", "account", "network-rule", "list", *account)
    assert [rule["ipAddressOrRange"] for rule in listed["ipRules"]] == ["192.0.2.0/24"]
    assert az("storage", "account", "network-rule", "remove", *rule)["networkRuleSet"]["ipRules"] == []


def test_the_guests_log_is_in_the_account(az, connection, blob, tmp_path):
    container, name = blob
    with_connection = ["--connection-string", connection]
    assert container in [one["name"] for one in az("storage", "container", "list", *with_connection)]
    listed = az("storage", "blob", "list", "-c", container, *with_connection)
    assert name in [one["name"] for one in listed] and len(listed) == 2
    shown = az("storage", "blob", "show", "-c", container, "-n", name, *with_connection)
    assert shown["properties"]["blobType"] == "AppendBlob"
    file = tmp_path / "log"
    az("storage", "blob", "download", "-c", container, "-n", name, "-f", str(file), "--no-progress", *with_connection)
    assert file.read_bytes().startswith(FIRST_LINE)
    az.fails(1, "ErrorCode:UnsupportedHttpVerb", "storage", "blob", "upload", "-c", container, "-n", "x", "-f", str(file), *with_connection)


def test_signatures_made_by_az(az, dev, account, connection, blob, tmp_path):
    container, name = blob
    key = az("storage", "account", "keys", "list", *account)[0]["value"]
    with_key = ["--account-name", NAME, "--account-key", key]
    endpoint = ["--account-name", NAME, "--blob-endpoint", f"{dev['URL']}/{NAME}"]
    until = ["--permissions", "rl", "--expiry", "2099-01-01T00:00Z"]
    whole = az("storage", "account", "generate-sas", *with_key, *until, "--services", "b", "--resource-types", "sco")
    listed = az("storage", "blob", "list", "-c", container, *endpoint, "--sas-token", whole)
    assert name in [one["name"] for one in listed]
    one = az("storage", "blob", "generate-sas", "-c", container, "-n", name, *with_key, "--permissions", "r", "--expiry", "2099-01-01T00:00Z")
    file = tmp_path / "log"
    az("storage", "blob", "download", "-c", container, "-n", name, "-f", str(file), "--no-progress", *endpoint, "--sas-token", one)
    assert file.read_bytes().startswith(FIRST_LINE)
    az.fails(1, "", "storage", "blob", "list", "-c", container, *endpoint, "--sas-token", one)


def test_the_boot_log_is_found_through_the_account(az, vm, diagnostics):
    done = az.run("vm", "boot-diagnostics", "get-boot-log", *vm)
    # az prints the whole log, and then fails in its own writer, whatever server it talks to.
    assert FIRST_LINE.decode() in done.out
    assert done.code == 1 and "NoneType" in done.err, done


def test_an_account_that_takes_no_diagnostics(az, dev, vm):
    premium = ["-g", dev["RESOURCE_GROUP"], "-n", "clientsprem1"]
    az("storage", "account", "create", *premium, "-l", dev["LOCATION"], "--sku", "Premium_LRS")
    try:
        az.fails(1, "(StorageAccountTypeNotSupported)", "vm", "boot-diagnostics", "enable", *vm, "--storage", "clientsprem1")
    finally:
        assert az.run("storage", "account", "delete", *premium, "-y").code == 0


def test_the_sdk_with_the_accounts_key(connection, blob):
    container, name = blob
    service = BlobServiceClient.from_connection_string(connection)
    assert container in [one.name for one in service.list_containers(results_per_page=1)]
    client = service.get_container_client(container)
    assert client.exists() and not service.get_container_client("nowhere").exists()
    names = [one.name for one in client.list_blobs(name_starts_with=name[:4])]
    assert name in names
    log = client.get_blob_client(name)
    assert log.download_blob(offset=5, length=10).readall() == FIRST_LINE[5:15]
    with pytest.raises(ResourceNotFoundError):
        client.download_blob("nothing.log")
    with pytest.raises(HttpResponseError) as refused:
        client.upload_blob("x", b"y")
    assert refused.value.error_code == "UnsupportedHttpVerb"
    stranger = BlobServiceClient.from_connection_string(connection.replace("AccountKey=", "AccountKey=AAAA"))
    with pytest.raises(ClientAuthenticationError):
        list(stranger.list_containers())
