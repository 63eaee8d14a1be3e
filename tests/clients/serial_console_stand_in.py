"""A stand-in for az's `serial-console` extension, which is on no package index: the same requests in the same order, and the
same WebSocket library, as the extension of the 1.0 line. Not the extension itself.
"""

import json
import os
import time
import uuid

import requests
import websocket

COMPUTE = "2024-11-01"
CONSOLE = "2018-05-01"


class Refused(Exception):
    """What the extension would print."""


class Answered(Exception):
    """An HTTP answer that is an error."""

    def __init__(self, response):
        super().__init__(f"{response.status_code} {response.text}")
        self.status = response.status_code
        self.body = response.json()


class StandIn:
    """`az serial-console … --name NAME --resource-group GROUP [--instance-id ID]` with somebody's token."""

    def __init__(self, url, subscription, token):
        self.url = url
        self.subscription = f"{url}/subscriptions/{subscription}"
        self.token = token

    def _send(self, method, url, version, **more):
        headers = {"Authorization": f"Bearer {self.token}", "Accept-Language": "en", "Content-Type": "application/json"}
        response = requests.request(
            method, url, params={"api-version": version, **more}, headers=headers, verify=os.environ["REQUESTS_CA_BUNDLE"], timeout=60
        )
        if response.status_code != 200:
            raise Answered(response)
        return response.json()

    def _machine(self, group, name):
        return f"{self.subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{name}"

    def _set(self, group, name):
        return f"{self.subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachineScaleSets/{name}"

    def _instance(self, group, name, instance):
        """The instance view, where boot diagnostics are on."""
        view = self._send("GET", f"{self._set(group, name)}/virtualMachines/{instance}/instanceView", COMPUTE)
        if "bootDiagnostics" not in view:
            raise Refused("Azure Serial Console requires boot diagnostics to be enabled.")
        return view

    def _vm(self, group, name):
        """The same of a virtual machine."""
        try:
            machine = self._send("GET", self._machine(group, name), COMPUTE, **{"$expand": "instanceView"})
        except Answered as missing:
            if missing.status != 404:
                raise
            try:
                self._send("GET", self._set(group, name), COMPUTE)
            except Answered:
                raise missing from None
            raise Refused(f"{name} is a scale set: name its instance (--instance-id).") from None
        diagnostics = machine["properties"].get("diagnosticsProfile") or {}
        if not (diagnostics.get("bootDiagnostics") or {}).get("enabled"):
            raise Refused("Azure Serial Console requires boot diagnostics to be enabled.")
        return machine["properties"]["instanceView"]

    def check(self, group, name, instance=None):
        """The extension's own checks before it connects, in its order."""
        view = self._vm(group, name) if instance is None else self._instance(group, name, instance)
        service = self._send("GET", f"{self.subscription}/providers/Microsoft.SerialConsole/consoleServices/default", CONSOLE)
        if service["properties"].get("disabled", True):
            raise Refused("Azure Serial Console is not enabled for this subscription.")
        for status in view["statuses"]:
            if status["code"].startswith("PowerState") and status["displayStatus"] in ("VM deallocating", "VM deallocated"):
                raise Refused("Azure Serial Console requires a virtual machine to be running.")

    def connect(self, group, name, instance=None):
        """`az serial-console connect`: a console at which the greeting has come and the token has gone."""
        self.check(group, name, instance)
        path = self._machine(group, name)
        if instance is not None:
            # The parent is one encoded segment.
            path = f"{self._set(group, name)}%2FvirtualMachines%2F{instance}"
        path = path.replace("resourceGroups", "resourcegroups")
        answer = self._send("POST", f"{path}/providers/Microsoft.SerialConsole/serialPorts/0/connect", CONSOLE)
        return Session(answer["connectionString"], self.token)

    def turn(self, verb):
        """`az serial-console enable|disable`."""
        service = f"{self.subscription}/providers/Microsoft.SerialConsole/consoleServices/default"
        return self._send("POST", f"{service}/{verb}Console", CONSOLE)


class Session:
    """An open console."""

    def __init__(self, url, token):
        self.url = url
        self.token = token
        self.socket = websocket.create_connection(
            url, timeout=60, sslopt={"ca_certs": os.environ["WEBSOCKET_CLIENT_CA_BUNDLE"]}
        )
        # The first message is not shown; the token goes after it.
        self.greeting = self.socket.recv()
        self.socket.send(token)
        self.text = ""

    def until(self, needle, patience=120):
        """Reads until the text holds `needle`."""
        end = time.monotonic() + patience
        while needle not in self.text:
            assert time.monotonic() < end, f"{needle!r} did not come; {self.text[-2000:]!r}"
            # Pings come here too, so that they do not keep the wait alive for ever.
            kind, data = self.socket.recv_data(control_frame=True)
            assert kind in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_PING), f"{kind}: {data!r}"
            if kind == websocket.ABNF.OPCODE_TEXT:
                self.text += data.decode()
        return self.text

    def type(self, keys):
        """Each key is a message of its own."""
        self.text = ""
        for key in keys:
            self.socket.send(key)

    def send(self, command, **parameters):
        """`az serial-console send nmi|reset|sysrq`; the status."""
        address = self.url.replace("wss", "https").replace("ws", "http").replace("/client", f"/adminCommand/{command}")
        body = {"command": command, "requestId": str(uuid.uuid4()), "commandParameters": parameters}
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json",
            "accept-language": "en",
            "content-type": "application/json",
        }
        response = requests.post(
            address, data=json.dumps(body), headers=headers, verify=os.environ["REQUESTS_CA_BUNDLE"], timeout=60
        )
        return response.status_code

    def close(self):
        self.socket.close()
