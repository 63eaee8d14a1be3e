"""`az cloud register` and `az login`, in every way that dev.env allows."""

import json
import re


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


def test_a_person_signs_in_elsewhere_with_a_device_code(dev, registered):
    person = registered("browser")
    person("login", "-u", dev["USER"], "-p", dev["PASSWORD"])
    az = registered("terminal")
    with az.started("login", "--use-device-code", "-o", "json") as login:
        said = next(line for line in login.stderr if "enter the code" in line)
        assert f"{dev['URL']}/portal/device" in said
        code = re.search(r"the code (\S+) to", said)[1]
        url = "/providers/Hardline.Identity/{}?api-version=2026-11-01"
        body = {"userCode": code}
        asked = person("rest", "--method", "post", "--url", url.format("findDeviceCode"), "--body", json.dumps(body))
        assert asked["clientName"] == "Microsoft Azure CLI"
        body["approve"] = True
        person("rest", "--method", "post", "--url", url.format("answerDeviceCode"), "--body", json.dumps(body))
        out, err = login.communicate(timeout=60)
    assert login.returncode == 0, err
    assert [account["user"]["name"] for account in json.loads(out)] == [dev["USER"]]
    assert dev["VM"] in [vm["name"] for vm in az("vm", "list")]
