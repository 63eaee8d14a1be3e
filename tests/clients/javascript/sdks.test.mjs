// The Azure SDKs for JavaScript: compute, serial console, monitor and blobs, against the demo guest. They act as somebody
// would who has nothing but dev.env (NODE_EXTRA_CA_CERTS is among it).

import assert from "node:assert/strict";
import { test } from "node:test";
import { ComputeManagementClient } from "@azure/arm-compute";
import { MonitorClient } from "@azure/arm-monitor";
import { MicrosoftSerialConsoleClient } from "@azure/arm-serialconsole";
import { ClientSecretCredential } from "@azure/identity";
import { BlobClient } from "@azure/storage-blob";

const wanted = (name) => {
  const value = process.env[`HARDLINE_${name}`];
  assert.ok(value, `HARDLINE_${name} is not set: source dev.env`);
  return value;
};
const url = wanted("URL");
const subscription = wanted("SUBSCRIPTION");
const group = wanted("RESOURCE_GROUP");
const vm = wanted("VM");

const credential = new ClientSecretCredential("adfs", wanted("CLIENT_ID"), wanted("CLIENT_SECRET"), {
  authorityHost: url,
  disableInstanceDiscovery: true,
});
const options = { endpoint: url, credentialScopes: [`${url}/.default`], credentials: { scopes: [`${url}/.default`] } };
const compute = new ComputeManagementClient(credential, subscription, options);

const all = async (pages) => {
  const out = [];
  for await (const one of pages) {
    out.push(one);
  }
  return out;
};

test("machines and their instance view", async () => {
  const machines = await all(compute.virtualMachines.list(group));
  assert.ok(machines.some((machine) => machine.name === vm));
  const view = await compute.virtualMachines.instanceView(group, vm);
  assert.ok(view.statuses.some((status) => status.code === "PowerState/running"));
  await assert.rejects(compute.virtualMachines.get(group, "nowhere"), { statusCode: 404, code: "ResourceNotFound" });
});

/** Follows the serial log until the kernel has spoken: the guest may have been switched on just now. */
const spoken = async () => {
  const { token } = await credential.getToken(`${url}/.default`);
  const machine = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/virtualMachines/${vm}`;
  const content = `${url}${machine}/providers/Hardline.Diagnostics/serialLogs/0/content?api-version=2026-11-01&follow=true`;
  const answer = await fetch(content, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(60_000) });
  let text = "";
  for await (const bytes of answer.body) {
    text += Buffer.from(bytes).toString("latin1");
    if (text.includes("Linux version")) return;
  }
  assert.fail(`the log ended without the kernel's first line: ${text}`);
};

test("boot diagnostics are read as blobs", async () => {
  await spoken();
  const data = await compute.virtualMachines.retrieveBootDiagnosticsData(group, vm);
  const log = await new BlobClient(data.serialConsoleLogBlobUri).downloadToBuffer();
  assert.ok(log.includes("Linux version"));
  const screenshot = await new BlobClient(data.consoleScreenshotBlobUri).downloadToBuffer(0, 2);
  assert.equal(screenshot.toString(), "BM");
  const tampered = new BlobClient(data.serialConsoleLogBlobUri.replace("sig=", "sig=A"));
  await assert.rejects(tampered.download(), { statusCode: 403 });
});

test("a restart is waited for", async () => {
  await compute.virtualMachines.restart(group, vm);
});

test("the console service", async () => {
  const client = new MicrosoftSerialConsoleClient(credential, subscription, { ...options, $host: url });
  const status = await client.getConsoleStatus("default");
  assert.equal(status.properties.disabled, false);
  const answer = await client.serialPorts.connect(group, "Microsoft.Compute", "virtualMachines", vm, "0");
  assert.match(answer.connectionString, /^wss:.*\/client$/);
});

test("the activity log", async () => {
  const client = new MonitorClient(credential, subscription, { ...options, $host: url });
  const since = new Date(Date.now() - 4 * 3600 * 1000).toISOString();
  const filter = `eventTimestamp ge '${since}' and resourceGroupName eq '${group}'`;
  const events = await all(client.activityLogs.list(filter));
  assert.ok(events.some((event) => event.operationName.value === "Microsoft.Compute/virtualMachines/write"));
});
