"""The serial console as az's extension uses it (by a stand-in: the extension is on no package index), and by az's own REST."""

import json
import os
import time

import pytest

from serial_console_stand_in import Answered, Refused, StandIn


@pytest.fixture(scope="module")
def console(az, dev):
    token = az("account", "get-access-token")["accessToken"]
    return StandIn(dev["URL"], dev["SUBSCRIPTION"], token)


@pytest.fixture
def session(az, vm, console, dev):
    # A prompt on the screen may be that of an earlier boot: the log's end tells.
    end = time.monotonic() + 180
    while not json.loads(az.run("vm", "boot-diagnostics", "get-boot-log", *vm).out).rstrip().endswith("login:"):
        assert time.monotonic() < end, "the guest does not come to its prompt"
    session = console.connect(dev["RESOURCE_GROUP"], dev["VM"])
    yield session
    session.close()


def test_log_in_and_run_a_command(session):
    session.type("\r")
    session.until("login: ")
    session.type(os.environ["HARDLINE_GUEST_USER"] + "\r")
    session.until("Password: ")
    session.type(os.environ["HARDLINE_GUEST_PASSWORD"] + "\r")
    session.until("$ ")
    session.type("echo $((6*7))\r")
    session.until("\n42")
    session.type("exit\r")
    session.until("login: ")


def test_sysrq_and_nmi(session):
    assert session.send("sysrq", SysRqCommand="h") == 200
    session.until("sysrq: HELP")
    assert session.send("nmi") == 200
    session.until("NMI received")
    assert session.send("sysrq", SysRqCommand="") == 400


def test_the_subscriptions_switch(az, console, dev):
    service = "/subscriptions/{subscriptionId}/providers/Microsoft.SerialConsole/consoleServices/default"
    az("rest", "--method", "post", "--url", f"{service}/disableConsole?api-version=2018-05-01")
    with pytest.raises(Refused, match="not enabled for this subscription"):
        console.connect(dev["RESOURCE_GROUP"], dev["VM"])
    assert console.turn("enable") == {"properties": {"disabled": False}}
    console.connect(dev["RESOURCE_GROUP"], dev["VM"]).close()


def test_a_machine_that_is_not_there(console, dev):
    with pytest.raises(Answered) as refused:
        console.connect(dev["RESOURCE_GROUP"], "nowhere")
    assert refused.value.status == 404
    assert refused.value.body["error"]["code"] == "ResourceNotFound"
