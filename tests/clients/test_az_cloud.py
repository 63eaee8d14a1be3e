"""`az cloud register` and `az login`, in every way that dev.env allows."""


def test_the_cloud_is_known_by_its_address_alone(dev, registered):
    cloud = registered("cloud")("cloud", "show", "-n", "Hardline")
    assert cloud["endpoints"]["resourceManager"].rstrip("/") == dev["URL"]
    assert cloud["endpoints"]["activeDirectory"] == f"{dev['URL']}/adfs"
    assert cloud["endpoints"]["microsoftGraphResourceId"]


def test_a_service_principal_signs_in(dev, az):
    account = az("account", "show")
    assert account["id"] == dev["SUBSCRIPTION"]
    assert account["tenantId"] == dev["TENANT"]
    assert account["user"] == {"name": dev["CLIENT_ID"], "type": "servicePrincipal"}


def test_a_user_signs_in_with_a_password(dev, registered):
    az = registered("user")
    (account,) = az("login", "-u", dev["USER"], "-p", dev["PASSWORD"])
    assert account["id"] == dev["SUBSCRIPTION"]
    assert account["user"] == {"name": dev["USER"], "type": "user"}
    assert dev["VM"] in [vm["name"] for vm in az("vm", "list")]


def test_a_wrong_secret_is_told(dev, registered):
    az = registered("stranger")
    words = ["login", "--service-principal", "-u", dev["CLIENT_ID"], "--tenant", dev["TENANT"]]
    az.fails(1, "Invalid client secret provided", *words, "-p", "wrong")
    az.fails(1, "az login", "vm", "list")
