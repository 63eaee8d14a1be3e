"""`az vm …` against the demo guest."""

import json
import urllib.request
import ssl
import os

import pytest

FIRST_LINE = "[    0.000000] Linux version "


def power(az, vm):
    view = az("vm", "get-instance-view", *vm)["instanceView"]
    return [s["code"] for s in view["statuses"] if s["code"].startswith("PowerState/")]


def fetch(url):
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    with urllib.request.urlopen(url, context=context) as answer:
        return answer.read()


def test_list_and_show(az, dev, vm):
    listed = az("vm", "list", "-g", dev["RESOURCE_GROUP"])
    assert dev["VM"] in [one["name"] for one in listed]
    shown = az("vm", "show", *vm)
    assert shown["id"] in [one["id"] for one in listed]
    assert any(line.startswith(dev["VM"] + " ") for line in az.table("vm", "list"))


def test_instance_view(az, vm):
    assert power(az, vm) == ["PowerState/running"]
    view = az("vm", "get-instance-view", *vm)["instanceView"]
    assert view["bootDiagnostics"] == {}, "there, and without addresses: managed storage"


def test_boot_log(az, vm):
    assert FIRST_LINE in json.loads(az.run("vm", "boot-diagnostics", "get-boot-log", *vm).out)
    uris = az("vm", "boot-diagnostics", "get-boot-log-uris", *vm)
    assert FIRST_LINE.encode() in fetch(uris["serialConsoleLogBlobUri"])
    assert fetch(uris["consoleScreenshotBlobUri"])[:2] == b"BM"


def test_boot_diagnostics_off_and_on(az, vm):
    def setting():
        return az("vm", "show", *vm)["diagnosticsProfile"]["bootDiagnostics"]

    assert az("vm", "boot-diagnostics", "disable", *vm) is None
    try:
        assert setting()["enabled"] is False
        assert "bootDiagnostics" not in az("vm", "get-instance-view", *vm)["instanceView"]
        az.fails(1, "Please enable boot diagnostics", "vm", "boot-diagnostics", "get-boot-log", *vm)
    finally:
        assert az("vm", "boot-diagnostics", "enable", *vm) is None
    assert setting() == {"enabled": True}


def test_stop_start_restart_deallocate(az, vm):
    for verb, state in [("stop", "stopped"), ("start", "running"), ("restart", "running"), ("deallocate", "deallocated"), ("start", "running")]:
        done = az.run("vm", verb, *vm)
        assert done.code == 0, done
        assert power(az, vm) == [f"PowerState/{state}"], verb


def test_what_is_not_there(az, dev):
    az.fails(3, "(ResourceNotFound)", "vm", "show", "-g", dev["RESOURCE_GROUP"], "-n", "nowhere")
    az.fails(3, "(ResourceGroupNotFound)", "vm", "show", "-g", "nowhere", "-n", dev["VM"])


@pytest.mark.parametrize("form", ["json", "jsonc", "table", "tsv", "yaml"])
def test_output_forms(az, form):
    done = az.run("vm", "list", "-o", form)
    assert done.code == 0 and done.out, done
