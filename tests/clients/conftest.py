"""What the tests of this folder share: the environment of a running `hardline dev`, and `az` with a home of its own.

`cargo xtask test 'az and Python SDKs'` starts the server, with its dev.env in the environment, and then these tests. They act as
somebody would who has nothing but that file.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# An `az` command on a busy machine, a guest's boot included.
PATIENCE = 240


class Done:
    """What a command left behind."""

    def __init__(self, command, completed):
        self.command = command
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def json(self):
        assert self.code == 0, self
        return json.loads(self.out) if self.out.strip() else None

    def __repr__(self):
        return f"{' '.join(self.command)}: {self.code}\n{self.out}\n{self.err}"


class Az:
    """The Azure CLI with a configuration folder of its own."""

    def __init__(self, home):
        self.env = {
            **os.environ,
            "AZURE_CONFIG_DIR": str(home),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
        }

    def run(self, *words):
        """Runs `az WORDS`, whatever comes of it."""
        command = [sys.executable, "-m", "azure.cli", *words]
        completed = subprocess.run(
            command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
        return Done(["az", *words], completed)

    def started(self, *words):
        """`az WORDS` while it runs."""
        command = [sys.executable, "-m", "azure.cli", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)

    def __call__(self, *words):
        """The JSON that a command prints; it must succeed."""
        return self.run(*words, "-o", "json").json()

    def table(self, *words):
        """The lines of a command's table; it must succeed."""
        done = self.run(*words, "-o", "table")
        assert done.code == 0, done
        return done.out.splitlines()

    def fails(self, code, text, *words):
        """A command that must end with this exit code and say this."""
        done = self.run(*words)
        assert done.code == code, done
        assert text in done.err, done
        return done


@pytest.fixture(scope="session")
def dev():
    """The variables of dev.env."""
    wanted = ["URL", "TENANT", "SUBSCRIPTION", "RESOURCE_GROUP", "LOCATION", "VM", "USER", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET"]
    return {name: os.environ[f"HARDLINE_{name}"] for name in wanted}


@pytest.fixture(scope="session")
def registered(dev, tmp_path_factory):
    """Gives an `az` that knows the cloud and nobody; each call another."""

    def new(name):
        az = Az(tmp_path_factory.mktemp(name))
        az.run("cloud", "register", "-n", "Hardline", "--endpoint-resource-manager", dev["URL"]).json()
        az.run("cloud", "set", "-n", "Hardline").json()
        return az

    return new


@pytest.fixture(scope="session")
def az(dev, registered):
    """`az`, signed in as the service principal that is Owner."""
    az = registered("owner")
    az(
        "login", "--service-principal", "-u", dev["CLIENT_ID"], "-p", dev["CLIENT_SECRET"], "--tenant", dev["TENANT"],
        "--allow-no-subscriptions",
    )
    return az


@pytest.fixture(scope="session")
def vm(dev):
    """The words that name the demo guest."""
    return ["-g", dev["RESOURCE_GROUP"], "-n", dev["VM"]]
