import { describe, expect, test } from "vitest";
import { ArmClient } from "./client";
import {
  actionsFilter, alertFilter, alertId, alertPage, dashed, detectionAt, evidenceOf, fieldOf, quoted, ruleId, ruleIdIn, rulePage, valueText, vmIdOf,
  type Alert,
} from "./detection";
import { Failure } from "./failure";
import { askEach, newest } from "./listing";
import { operations } from "./operations";
import { operationUrl } from "./paths";

const VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-01";

describe("where detection is", () => {
  test.each([
    [operationUrl(operations.DetectionRuleList, "/subscriptions/s"), "/subscriptions/s/providers/Hardline.Detection/rules?api-version=2026-11-01"],
    [operationUrl(operations.DetectionRulePut, ruleId("s", "r/1")), "/subscriptions/s/providers/Hardline.Detection/rules/r%2F1?api-version=2026-11-01"],
    [operationUrl(operations.DetectionRuleCheck, detectionAt("s")), "/subscriptions/s/providers/Hardline.Detection/checkRule?api-version=2026-11-01"],
    [operationUrl(operations.DetectionRuleTry, detectionAt("s")), "/subscriptions/s/providers/Hardline.Detection/tryRule?api-version=2026-11-01"],
    [operationUrl(operations.DetectionRuleImport, detectionAt("s")), "/subscriptions/s/providers/Hardline.Detection/importRules?api-version=2026-11-01"],
    [operationUrl(operations.AlertList, "/subscriptions/s", { $filter: "status eq 'open'", $top: 51 }),
      "/subscriptions/s/providers/Hardline.Detection/alerts?api-version=2026-11-01&$filter=status%20eq%20'open'&$top=51"],
    [operationUrl(operations.AlertPatch, alertId("s", "a")), "/subscriptions/s/providers/Hardline.Detection/alerts/a?api-version=2026-11-01"],
    [alertPage("s", "a b"), "/alerts/s/a%20b"],
    [rulePage("s", "r"), "/rules/s/r"],
  ])("%s", (url, expected) => expect(url).toBe(expected));
});

describe("filters", () => {
  test.each([
    [{}, undefined],
    [{ status: "", severity: "" }, undefined],
    [{ status: "open" }, "status eq 'open'"],
    [{ status: "open", severity: "high", rule: "it's" }, "status eq 'open' and severity eq 'high' and rule eq 'it''s'"],
  ])("%j", (wanted, filter) => expect(alertFilter(wanted)).toBe(filter));

  test("an hour before and after", () => {
    expect(actionsFilter("o'hara@example.org", new Date("2026-11-22T08:30:00Z"))).toBe(
      "eventTimestamp ge '2026-11-22T07:30:00.000Z' and eventTimestamp le '2026-11-22T09:30:00.000Z' and caller eq 'o''hara@example.org'",
    );
    expect(quoted("'")).toBe("''''");
  });
});

describe("what an alert's document says", () => {
  const evidence = { role: "Virtual Machine Contributor", role_assignment_id: "0123456789ABCDEF0123456789abcdef", role_assignment_scope: "/subscriptions/s/" };
  const nested = { azure: { activitylogs: { identity: { authorization: { evidence } } } } };

  test("keys may be nested, dotted, or both", () => {
    for (const document of [nested, { "azure.activitylogs": { "identity.authorization": { evidence } } }, { azure: { "activitylogs.identity": { authorization: { evidence } } } }]) {
      expect(fieldOf(document, "azure.activitylogs.identity.authorization.evidence.role")).toBe(evidence.role);
    }
    expect(fieldOf({ "kibana.alert.rule.note": "x" }, "kibana.alert.rule.note")).toBe("x");
    expect(fieldOf({ a: [{ b: 1 }] }, "a.b")).toBeUndefined();
    expect(fieldOf(null, "a")).toBeUndefined();
    expect(fieldOf({}, "constructor.name")).toBeUndefined();
  });

  test("the role assignment that allowed it, with its dashes", () => {
    expect(evidenceOf(nested)).toEqual({
      assignment: "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/01234567-89ab-cdef-0123-456789abcdef",
      scope: "/subscriptions/s/",
      role: evidence.role,
    });
  });

  test.each([
    ["no document", undefined],
    ["no evidence", { azure: {} }],
    ["an id that is none", { "azure.activitylogs.identity.authorization.evidence": { ...evidence, role_assignment_id: "../../vm" } }],
    ["no scope", { "azure.activitylogs.identity.authorization.evidence": { ...evidence, role_assignment_scope: "" } }],
  ])("nothing to revoke: %s", (_name, document) => expect(evidenceOf(document)).toBeNull());

  test.each([["0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"], ["01234567-89AB-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"], ["", null], ["x".repeat(32), null]])(
    "%s", (digits, guid) => expect(dashed(digits)).toBe(guid),
  );

  test.each([
    [VM, VM],
    [`${VM}/providers/Microsoft.SerialConsole/serialPorts/0`, `${VM}/providers/Microsoft.SerialConsole/serialPorts/0`.slice(0, VM.length)],
    [VM.toUpperCase(), VM.toUpperCase()],
    ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/3/x", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachineScaleSets/web/virtualMachines/3"],
    ["/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a", null],
    ["/subscriptions/s", null],
    [undefined, null],
  ])("the machine of %s", (resource, id) => expect(vmIdOf(resource)).toBe(id));

  test.each([["a", "a"], [["a", "b"], "a, b"], [7, "7"], [false, "false"], [null, "-"], [undefined, "-"], [{ a: 1 }, '{"a":1}']])("%j is shown", (value, text) =>
    expect(valueText(value)).toBe(text),
  );
});

describe("rules", () => {
  test.each([
    ['[rule]\nrule_id = "a-b"\n', "a-b"],
    ["  rule_id='x'", "x"],
    ['rule.rule_id = "y"', "y"],
    ["# rule_id = 'no'", null],
    ['rule_id = ""', null],
    ["", null],
  ])("%j names %s", (source, id) => expect(ruleIdIn(source)).toBe(id));
});

describe("several subscriptions", () => {
  const [one, two] = [{ subscriptionId: "one" }, { subscriptionId: "two" }];
  const refusal = new Failure(403, "AuthorizationFailed", "no");

  test("one that refuses is told beside the others, and not asked again", async () => {
    const asked: string[] = [];
    const refusals = new Map<string, unknown>();
    const ask = (at: string): Promise<number[]> => {
      asked.push(at);
      return at.endsWith("two") ? Promise.reject(refusal) : Promise.resolve([1]);
    };
    for (let i = 0; i < 2; i += 1) {
      expect(await askEach([one, two], refusals, ask)).toEqual({
        items: [{ subscription: one, item: 1 }], subscriptions: [one, two], refused: [{ subscription: two, error: refusal }],
      });
    }
    expect(asked).toEqual(["/subscriptions/one", "/subscriptions/two", "/subscriptions/one"]);
  });

  test("when all refuse, it is a failure; when none is there, a list of nothing", async () => {
    await expect(askEach([two], new Map(), () => Promise.reject(refusal))).rejects.toBe(refusal);
    expect((await askEach([], new Map(), () => Promise.reject(refusal))).items).toEqual([]);
  });

  test("their alerts are one list, newest first, cut where it is to end", () => {
    const alert = (name: string, time?: string): { subscription: typeof one; item: Alert } => ({ subscription: one, item: { id: name, name, properties: time === undefined ? {} : { time } } });
    const listed = [alert("a", "2026-11-22T08:00:00Z"), alert("b"), alert("c", "2026-11-22T09:00:00Z")];
    expect(newest(listed, 2)).toEqual({ items: [listed[2], listed[0]], more: true });
    expect(newest(listed, 3).more).toBe(false);
  });
});

test("a rule is saved over the version that was read", async () => {
  const sent: Headers[] = [];
  const http = (_url: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    sent.push(new Headers(init?.headers));
    return Promise.resolve(new Response("{}"));
  };
  const arm = new ArmClient("https://hardline.test", () => "TOKEN", () => undefined, http);
  await arm.json(operations.DetectionRulePut, ruleId("s", "r"), { body: {}, headers: { "If-Match": '"7"' } });
  expect([sent[0]?.get("if-match"), sent[0]?.get("authorization"), sent[0]?.get("content-type")]).toEqual(['"7"', "Bearer TOKEN", "application/json"]);
});
