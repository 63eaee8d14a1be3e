import { describe, expect, test, vi } from "vitest";
import { ArmClient } from "./client";
import { explain, Failure, failureFrom, isDiagnosticsOff } from "./failure";
import { operations } from "./operations";
import { operationUrl, parseVmId, resourcePath, vmId, vmPage } from "./paths";

const ORIGIN = "https://hardline.test";
const VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/demo";

type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };
function client(...answers: Answer[]) {
  const urls: string[] = [];
  const waits: number[] = [];
  const onUnauthorised = vi.fn();
  const headers: Headers[] = [];
  const http = (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    urls.push(`${init?.method} ${String(input)}`);
    headers.push(new Headers(init?.headers));
    const answer = answers.shift();
    if (!answer) return Promise.reject(new TypeError("no more answers"));
    const body = answer.body === undefined ? null : JSON.stringify(answer.body);
    return Promise.resolve(new Response(body, { status: answer.status ?? 200, headers: answer.headers ?? {} }));
  };
  const wait = (ms: number): Promise<void> => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { arm: new ArmClient(ORIGIN, () => "TOKEN", onUnauthorised, http, wait), urls, waits, onUnauthorised, headers };
}

describe("URLs", () => {
  const port = resourcePath(VM, "Microsoft.SerialConsole/serialPorts", "0");
  test.each([
    [operationUrl(operations.SubscriptionList, ""), "/subscriptions?api-version=2022-12-01"],
    [operationUrl(operations.VmList, "/subscriptions/s", { $expand: "instanceView" }),
      "/subscriptions/s/providers/Microsoft.Compute/virtualMachines?api-version=2024-11-01&$expand=instanceView"],
    [operationUrl(operations.VmStart, VM), `${VM}/start?api-version=2024-11-01`],
    [operationUrl(operations.SerialPortConnect, port), `${VM}/providers/Microsoft.SerialConsole/serialPorts/0/connect?api-version=2024-07-01`],
    [operationUrl(operations.SerialLogContent, resourcePath(VM, operations.SerialLogContent.type, "0"), { tail: 10, follow: true }),
      `${VM}/providers/Hardline.Diagnostics/serialLogs/0/content?api-version=2026-11-01&tail=10&follow=true`],
    [operationUrl(operations.ActivityLogList, resourcePath("/subscriptions/s", "Microsoft.Insights/eventtypes", "management")),
      "/subscriptions/s/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01"],
    [operationUrl(operations.ConsoleNmi, resourcePath(VM, operations.ConsoleNmi.type, "0")),
      `${VM}/providers/Hardline.Console/serialPorts/0/nmi?api-version=2026-11-01`],
  ])("%s", (url, expected) => expect(url).toBe(expected));

  test("a VM's id is read in any case and written back", () => {
    expect(parseVmId(VM.toUpperCase().replace("SUBSCRIPTIONS", "subscriptions"))).not.toBeNull();
    expect(vmId({ subscription: "s", group: "g", name: "demo" })).toBe(VM);
    expect(parseVmId("/subscriptions/s")).toBeNull();
  });

  test("an instance of a scale set is a VM with a page of its own", () => {
    const instance = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/3";
    const name = { subscription: "s", group: "g", set: "web", name: "3" };
    expect(parseVmId(instance)).toEqual(name);
    expect(vmId(name)).toBe(instance);
    expect(vmPage(name)).toBe("/vms/s/g/web/instances/3");
    expect(vmPage(parseVmId(VM))).toBe("/vms/s/g/demo");
    expect(operationUrl(operations.InstanceList, instance.replace("/virtualMachines/3", ""))).toBe(
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines?api-version=2024-11-01",
    );
  });
});

describe("paging", () => {
  test("follows nextLink to its end, with the token", async () => {
    const next = `${ORIGIN}/subscriptions?api-version=2022-12-01&$skiptoken=2`;
    const { arm, urls, headers } = client({ body: { value: [1, 2], nextLink: next } }, { body: { value: [3], nextLink: null } });
    expect(await arm.list(operations.SubscriptionList, "")).toEqual([1, 2, 3]);
    expect(urls[1]).toBe(`GET ${next}`);
    expect(headers.map((h) => h.get("authorization"))).toEqual(["Bearer TOKEN", "Bearer TOKEN"]);
  });

  test("does not carry the token to another origin", async () => {
    const { arm, urls } = client({ body: { value: [1], nextLink: "https://elsewhere.test/x" } });
    await expect(arm.list(operations.SubscriptionList, "")).rejects.toMatchObject({ code: "ForeignUrl" });
    expect(urls).toHaveLength(1);
  });

  test("ends with a list that points to itself, and at the limit", async () => {
    const self = `${ORIGIN}/subscriptions?api-version=2022-12-01&p=1`;
    const loop = client({ body: { value: [1], nextLink: self } }, { body: { value: [2], nextLink: self } });
    expect(await loop.arm.list(operations.SubscriptionList, "")).toEqual([1, 2]);
    const many = client({ body: { value: [1, 2, 3], nextLink: self } });
    expect(await many.arm.list(operations.SubscriptionList, "", {}, 2)).toEqual([1, 2]);
  });
});

describe("long-running operations", () => {
  const poll = `${ORIGIN}/subscriptions/s/providers/Microsoft.Compute/locations/local/operations/1?api-version=2024-11-01`;
  const accepted: Answer = { status: 202, headers: { "Azure-AsyncOperation": poll, Location: `${poll}&monitor=true`, "Retry-After": "2" } };

  test("polls Azure-AsyncOperation at the pace that every answer gives", async () => {
    const { arm, urls, waits } = client(accepted,
      { headers: { "Retry-After": "1" }, body: { status: "InProgress" } }, { body: { status: "Succeeded" } });
    const seen: string[] = [];
    await arm.run(operations.VmStart, VM, { onProgress: (p) => seen.push(p.status) });
    expect(urls.slice(1)).toEqual([`GET ${poll}`, `GET ${poll}`]);
    expect(waits).toEqual([2000, 1000]);
    expect(seen).toEqual(["InProgress", "Succeeded"]);
  });

  test("a failed operation is a Failure with its own words", async () => {
    const { arm } = client(accepted, { body: { status: "Failed", error: { code: "HostUnavailable", message: "host-1 is away" } } });
    await expect(arm.run(operations.VmStart, VM)).rejects.toMatchObject({ code: "HostUnavailable", message: "host-1 is away" });
  });

  test("Location alone: 202 is running, 200 is done", async () => {
    const { arm, urls } = client({ status: 202, headers: { Location: poll } }, { status: 202 }, { status: 200 });
    await arm.run(operations.VmPowerOff, VM);
    expect(urls).toHaveLength(3);
  });

  test("an answer without these headers is already the end", async () => {
    const { arm, urls } = client({ status: 200 });
    await arm.run(operations.VmRestart, VM);
    expect(urls).toHaveLength(1);
  });
});

describe("errors", () => {
  test("401 ends the session", async () => {
    const { arm, onUnauthorised } = client({ status: 401, body: { error: { code: "ExpiredAuthenticationToken", message: "x" } } });
    await expect(arm.json(operations.VmGet, VM)).rejects.toBeInstanceOf(Failure);
    expect(onUnauthorised).toHaveBeenCalledOnce();
  });

  test("no answer is said to be so", async () => {
    const { arm } = client();
    await expect(arm.json(operations.VmGet, VM)).rejects.toMatchObject({ status: 0 });
    expect(explain(await arm.json(operations.VmGet, VM).catch((e: unknown) => e)).title).toBe("The server cannot be reached");
  });

  test("a missing right names action and scope", () => {
    const message = `The client 'ada' with object id '1' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/start/action' over scope '${VM}' or the scope is invalid. If access was recently granted, please refresh your credentials.`;
    const failure = failureFrom(403, JSON.stringify({ error: { code: "AuthorizationFailed", message } }), "corr");
    expect(explain(failure)).toMatchObject({ action: "Microsoft.Compute/virtualMachines/start/action", scope: VM, correlationId: "corr" });
  });

  test.each<[string, number, string, string, string]>([
    ["envelope with details", 409, '{"error":{"code":"C","message":"M.","details":[{"code":"D","message":"Why."}]}}', "C", "M. Why."],
    ["unwrapped", 404, '{"code":"NotFound","message":"no"}', "NotFound", "no"],
    ["oauth", 400, '{"error":"invalid_grant","error_description":"wrong"}', "invalid_grant", "wrong"],
    ["storage XML", 403, '<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code><Message>expired</Message></Error>', "AuthenticationFailed", "expired"],
    ["nothing", 502, "", "Http502", "The server answered with status 502."],
    ["garbage", 500, "<html>", "Http500", "The server answered with status 500."],
  ])("%s", (_name, status, body, code, message) => {
    expect(failureFrom(status, body, null)).toMatchObject({ status, code, message });
  });

  test("boot diagnostics off is told from other conflicts", () => {
    expect(isDiagnosticsOff(new Failure(409, "OperationNotAllowed", "boot diagnostics is not enabled for demo"))).toBe(true);
    expect(isDiagnosticsOff(new Failure(409, "Conflict", "another operation runs"))).toBe(false);
  });
});
