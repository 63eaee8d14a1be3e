// Detection in a browser, against a running server with a running guest: `. DIR/dev.env; npm run e2e:detection`.
//
// A rule is written here, and its alert is waited for: one schedule of it, a minute.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, test } from "node:test";
import { accessible, findings, launch, picture, portal, server, signIn, visitor } from "./browser.mjs";

/** Two schedules of the rule, with room. */
const SCHEDULE = 180_000;
const options = { timeout: 300_000 };
const run = randomUUID().slice(0, 8);
const rule = { id: randomUUID(), name: `Boot diagnostics asked for ${run}` };
const rulePage = `${portal}/rules/${server.subscription}/${rule.id}`;
const ruleId = `/subscriptions/${server.subscription}/providers/Hardline.Detection/rules/${rule.id}`;
const reader = { user: `reader-${run}@hardline.local`, password: `Reads-${randomUUID()}` };
const userId = `/providers/Hardline.Identity/users/${reader.user}`;
const vmId = `/subscriptions/${server.subscription}/resourceGroups/${server.group}/providers/Microsoft.Compute/virtualMachines/${server.vm}`;

let browser;
before(async () => {
  browser = await launch();
});
afterEach((t) => findings(t.name));
after(async () => {
  if (browser) await removeRules().catch((error) => console.error(error));
  await browser?.close();
});

/** A request as the user, without the portal. */
async function send(context, method, path, data) {
  const form = { grant_type: "password", client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", username: server.user, password: server.password, scope: `${server.url}/.default` };
  const token = (await (await context.request.post(`${server.url}/adfs/oauth2/token`, { form })).json()).access_token;
  return context.request.fetch(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${token}` }, ...(data && { data }) });
}

const toml = (id, name, more = "") => `[rule]
rule_id = "${id}"
name = "${name}"
description = "Somebody asked for the boot diagnostics of a machine."
type = "query"
language = "kuery"
index = ["logs-azure.activitylogs-*"]
query = '''
data_stream.dataset:azure.activitylogs and
    event.action:"MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION" and
    event.outcome:success
'''
interval = "1m"
from = "now-5m"
timestamp_override = "event.ingested"
severity = "medium"
risk_score = 47
references = ["https://attack.mitre.org/techniques/T1552/"]
note = '''
## Is it work or not

- Who asked, and from **where**?
'''
${more}
[rule.investigation_fields]
field_names = ["event.outcome", "azure.resource.id", "source.ip"]
`;

/** What this run has loaded goes away again. */
async function removeRules() {
  const { context } = await visitor(browser);
  const at = `/subscriptions/${server.subscription}/providers/Hardline.Detection/rules`;
  const listed = await (await send(context, "GET", `${at}?api-version=2026-11-01`)).json();
  for (const { name, properties } of listed.value ?? []) {
    if (properties.displayName?.includes(run)) await send(context, "DELETE", `${at}/${name}?api-version=2026-11-01`);
  }
  await send(context, "DELETE", `${userId}?api-version=2026-11-01`);
  await context.close();
}

test("a rule is written: problems are underlined, the past is tried, leaving asks, saving keeps it", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  const asked = await send(context, "POST", `${vmId}/retrieveBootDiagnosticsData?api-version=2024-11-01`);
  assert.equal(asked.status(), 200);
  await signIn(page, `${portal}/rules`);
  await page.getByRole("button", { name: "New rule" }).click();
  const text = page.getByLabel("Text of the rule");
  const verdict = page.getByRole("status", { name: "Check of the text" });
  await verdict.getByText("No problems").waitFor();
  await accessible(page, "new rule");
  await picture(page, "rule-new-light");

  await text.fill(toml(rule.id, rule.name).replace('severity = "medium"', 'severity = "grave"'));
  await verdict.getByText("1 problem").waitFor();
  const marked = await page.locator("[data-problem]").allTextContents();
  assert.match(marked.join(""), /grave/);
  const line = toml(rule.id, rule.name).split("\n").findIndex((l) => l.startsWith("severity")) + 1;
  await page.getByRole("list", { name: "Problems" }).getByRole("button").click();
  const at = await text.evaluate((area) => area.value.slice(0, area.selectionStart).split("\n").length);
  assert.equal(at, line);
  await picture(page, "rule-problem-light");
  await accessible(page, "a rule with a problem");

  // Tab indents; Escape, then Tab leaves.
  await text.evaluate((area) => area.setSelectionRange(0, 0));
  await page.keyboard.press("Tab");
  assert.ok((await text.inputValue()).startsWith("  [rule]"));
  await page.keyboard.press("ControlOrMeta+z");
  assert.ok((await text.inputValue()).startsWith("[rule]"));
  await page.keyboard.press("Escape");
  await page.keyboard.press("Tab");
  assert.equal(await text.evaluate((area) => document.activeElement === area), false);

  await text.fill(toml(rule.id, rule.name));
  await verdict.getByText("No problems").waitFor();
  await page.getByRole("button", { name: "Try", exact: true }).click();
  await page.getByText(/matching of/).waitFor();
  await page.getByRole("img", { name: /in \d+ parts of the time/ }).waitFor();
  await page.getByRole("region", { name: "Samples of the alerts" }).getByRole("link", { name: server.vm }).first().waitFor();
  await accessible(page, "a rule that was tried");
  await picture(page, "rule-tried-light");

  await page.getByRole("link", { name: /^Alerts/ }).click();
  const question = page.getByRole("alertdialog", { name: "Leave without saving?" });
  await question.getByRole("button", { name: "Cancel" }).and(page.locator(":focus")).waitFor();
  await question.getByRole("button", { name: "Cancel" }).click();
  await question.waitFor({ state: "detached" });
  await text.waitFor();

  // A reload does not cost the text.
  await page.reload();
  await page.getByText("What you had written and not saved is here again.").waitFor();
  assert.equal(await text.inputValue(), toml(rule.id, rule.name));
  await verdict.getByText("No problems").waitFor();
  await text.press("ControlOrMeta+s");
  await page.getByRole("heading", { name: rule.name, level: 1 }).waitFor();
  assert.equal(page.url(), rulePage);
  await page.getByRole("status", { name: "State" }).getByText("Running").waitFor();
  await picture(page, "rule-light");
  assert.deepEqual(complaints, []);
  await context.close({ runBeforeUnload: false });
});

test("its alert: what happened, the guide, who else; acknowledged and closed with reasons", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, `${portal}/alerts?rule=${rule.id}`);
  await page.getByRole("link", { name: rule.name }).first().waitFor({ timeout: SCHEDULE });
  await accessible(page, "alerts");
  await picture(page, "alerts-light");
  await page.getByRole("link", { name: rule.name }).first().click();
  await page.getByRole("heading", { name: rule.name, level: 1 }).waitFor();
  await page.getByRole("region", { name: "Guide" }).getByText("Is it work or not").waitFor();
  await page.getByRole("region", { name: "To look at" }).getByRole("cell", { name: "azure.resource.id" }).waitFor();
  await page.getByRole("region", { name: /^Actions of / }).getByRole("row").nth(1).waitFor();
  await page.getByRole("button", { name: `Open ${server.vm}` }).waitFor();
  await accessible(page, "alert");
  await picture(page, "alert-light");

  // What cannot be taken back is asked, with what it touches, and is never one Enter away.
  await page.getByRole("button", { name: /^Revoke role/ }).click();
  const revoke = page.getByRole("alertdialog", { name: /^Revoke the role of/ });
  await revoke.getByText("Scope", { exact: true }).waitFor();
  await revoke.getByRole("button", { name: "Cancel" }).and(page.locator(":focus")).waitFor();
  await accessible(page, "revoke?");
  await picture(page, "alert-revoke-light");
  await page.keyboard.press("Escape");
  await revoke.waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Acknowledge" }).click();
  const why = page.getByRole("dialog", { name: "Acknowledge this alert?" });
  await why.getByLabel("Reason").fill(`Looking into it ${run}`);
  await accessible(page, "acknowledge?");
  await why.getByRole("button", { name: "Acknowledge" }).click();
  await page.getByRole("status", { name: "Status" }).getByText("Acknowledged").waitFor();
  await page.getByRole("region", { name: "History" }).getByText(`Looking into it ${run}`).waitFor();

  await page.goto(`${portal}/alerts?status=acknowledged&rule=${rule.id}`);
  await page.getByRole("checkbox", { name: "Choose all" }).check();
  await page.getByRole("region", { name: "Chosen alerts" }).getByRole("button", { name: "Close" }).click();
  await page.getByRole("dialog").getByLabel("Reason").fill("It was us.");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByText("No acknowledged alert matches the filter").waitFor();
  await accessible(page, "no alerts");
  await picture(page, "alerts-none-light");
  await page.getByRole("combobox", { name: "Status" }).selectOption("closed");
  await page.getByRole("link", { name: rule.name }).first().waitFor();
  assert.match(page.url(), /status=closed/);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the console of the alert's machine is disabled from the alert", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, `${portal}/alerts?status=all&rule=${rule.id}`);
  await page.getByRole("link", { name: rule.name }).first().click();
  try {
    await page.getByRole("button", { name: `Disable console of ${server.vm}` }).click();
    await page.getByRole("alertdialog").getByRole("button", { name: "Disable" }).click();
    await page.getByText("The machine's serial console is disabled now.").waitFor();
    await accessible(page, "console disabled");
  } finally {
    const enabled = await send(context, "PUT", `${vmId}/providers/Microsoft.SerialConsole/serialPorts/0?api-version=2024-07-01`, { properties: { state: "enabled" } });
    assert.ok(enabled.ok());
  }
  assert.deepEqual(complaints, []);
  await context.close();
});

test("somebody else's change is not lost, and neither is one's own", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, `${rulePage}/edit`);
  const text = page.getByLabel("Text of the rule");
  const verdict = page.getByRole("status", { name: "Check of the text" });
  await verdict.getByText("No problems").waitFor();
  const theirs = await send(context, "PUT", `/subscriptions/${server.subscription}/providers/Hardline.Detection/rules/${rule.id}?api-version=2026-11-01`, {
    properties: { source: toml(rule.id, rule.name, "# theirs") },
  });
  assert.equal(theirs.status(), 200);
  await text.fill(toml(rule.id, rule.name, "# mine"));
  await verdict.getByText("No problems").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else has changed the rule meanwhile").waitFor();
  await accessible(page, "a conflict");
  await picture(page, "rule-conflict-light");

  // The sign-in ends while the text is not saved.
  await page.route("**/subscriptions/**", (route) => {
    const body = JSON.stringify({ error: { code: "ExpiredAuthenticationToken", message: "The access token expiry time is in the past." } });
    return route.fulfill({ status: 401, contentType: "application/json", body });
  });
  await page.getByText("Your sign-in has expired.").waitFor();
  await page.unroute("**/subscriptions/**");
  await page.getByLabel("User").fill(server.user);
  await page.getByLabel("Password", { exact: true }).fill(server.password);
  await page.keyboard.press("Enter");
  await page.getByText("What you had written and not saved is here again.").waitFor();
  assert.match(await text.inputValue(), /# mine/);
  await verdict.getByText("No problems").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else has changed the rule meanwhile").waitFor();
  await page.getByRole("button", { name: "Put mine in its place" }).click();
  await page.getByRole("heading", { name: rule.name, level: 1 }).waitFor();
  assert.deepEqual(complaints, []);
  await context.close({ runBeforeUnload: false });
});

test("rule files are loaded, and each is told of", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, `${portal}/rules`);
  await page.getByRole("button", { name: "Import" }).click();
  await accessible(page, "import");
  await picture(page, "rules-import-light");
  const good = toml(randomUUID(), `Imported ${run}`);
  const files = [
    ["good.toml", good],
    ["again.toml", good],
    ["broken.toml", "[rule]\nname = = 1\n"],
    ["sequence.toml", toml(randomUUID(), `A sequence ${run}`).replace('type = "query"', 'type = "eql"').replace("kuery", "eql")],
    ["readme.md", "# no rule"],
  ];
  await page.getByTestId("rule-files").setInputFiles(files.map(([name, content]) => ({ name, mimeType: "text/plain", buffer: Buffer.from(content) })));
  const report = page.getByRole("region", { name: "What became of each rule" });
  await report.getByRole("row", { name: /good\.toml/ }).getByText("Running", { exact: true }).waitFor();
  await report.getByRole("row", { name: /again\.toml/ }).getByText("Duplicate", { exact: true }).waitFor();
  await report.getByRole("row", { name: /broken\.toml/ }).getByText("Broken", { exact: true }).waitFor();
  await report.getByRole("row", { name: /sequence\.toml/ }).getByText("Unsupported", { exact: true }).waitFor();
  await report.getByRole("row", { name: /readme\.md/ }).getByText("Left out", { exact: true }).waitFor();
  await accessible(page, "imported");
  await picture(page, "rules-imported-light");
  await page.getByRole("button", { name: "Done" }).click();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a rule is switched off and on; filters are in the address", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, `${portal}/rules`);
  await page.getByLabel("Filter rules").fill(rule.name);
  const row = page.getByRole("row", { name: new RegExp(rule.name) });
  await page.getByText(/^\d+ of \d+ rules$/).waitFor();
  await row.getByRole("switch").click();
  await row.getByText("Disabled").waitFor();
  await page.getByRole("combobox", { name: "State" }).selectOption("disabled");
  assert.match(page.url(), /state=disabled/);
  await page.reload();
  await row.getByRole("switch").click();
  await page.getByText("No rule matches the filter").waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).last().click();
  await row.getByText("Running").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

for (const scheme of ["light", "dark"]) {
  for (const size of [{ width: 1280, height: 800 }, { width: 700, height: 900 }]) {
    test(`no serious finding of axe and nothing cut off, ${scheme}, ${size.width}`, options, async () => {
      const { page, context, complaints } = await visitor(browser, { scheme, size });
      await signIn(page);
      const pages = [
        ["alerts", `${portal}/alerts?status=all`, page.getByRole("region", { name: "Alerts" })],
        ["alert-missing", `${portal}/alerts/${server.subscription}/none`, page.getByText("This alert does not exist")],
        ["rules", `${portal}/rules`, page.getByRole("region", { name: "Rules" })],
        ["rule", rulePage, page.getByText("What it finds")],
        ["rule-edit", `${rulePage}/edit`, page.getByText("No problems")],
      ];
      for (const [name, url, seen] of pages) {
        await page.goto(url);
        await seen.first().waitFor();
        await accessible(page, `${name}, ${scheme}`);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.equal(overflow, 0, `${name} is ${overflow} pixels too wide`);
        await picture(page, `detection-${name}-${scheme}-${size.width}`);
      }
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }
}

test("an exception is added, is there after a reload, and is removed after a question", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, rulePage);
  const exceptions = page.getByRole("region", { name: "Exceptions" });
  await exceptions.getByText("None: every match is an alert.").waitFor();
  await exceptions.getByRole("button", { name: "Add an exception" }).click();
  const form = page.getByRole("dialog", { name: "Add an exception" });
  await form.getByLabel("Name").and(page.locator(":focus")).waitFor();
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.getByText("Give it a name.").waitFor();
  await form.getByLabel("Name").and(page.locator(":focus")).waitFor();
  await accessible(page, "an exception with nothing in it");
  await picture(page, "exception-lacks-light");

  // What the server says against it stands in the form, and nothing of it is lost.
  await form.getByLabel("Name").fill(`Ours ${run}`);
  const first = form.getByRole("group", { name: "Condition 1" });
  await first.getByLabel("Field").fill("user.email");
  await first.getByLabel("Value").fill("x".repeat(5000));
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.getByText("a value is longer than 4096 bytes").waitFor();
  await accessible(page, "an exception that was refused");
  await picture(page, "exception-refused-light");
  await first.getByLabel("Value").fill("nobody@hardline.test");
  await form.getByRole("button", { name: "Add a condition" }).click();
  const second = form.getByRole("group", { name: "Condition 2" });
  await second.getByLabel("Field").fill("source.ip");
  await second.getByLabel("Comparison").selectOption({ label: "is one of" });
  await second.getByLabel("Values").fill("192.0.2.1\n192.0.2.2\n");
  await form.getByLabel("Why").fill("Agreed on in the morning.");
  await form.getByLabel("Until").fill("2099-12-31T10:00");
  await form.getByText("No alert when user.email is nobody@hardline.test and source.ip is one of 192.0.2.1, 192.0.2.2.").waitFor();
  await accessible(page, "an exception");
  await picture(page, "exception-light");

  // Somebody else is faster, by as little as can be.
  const theirs = [{ item_id: "theirs", name: `Theirs ${run}`, entries: [{ field: "user.email", operator: "included", type: "wildcard", value: "robot-*" }] }];
  let faster = false;
  await page.route((url) => url.pathname === ruleId, async (route) => {
    if (faster || route.request().method() !== "PATCH") return route.fallback();
    faster = true;
    const done = await send(context, "PATCH", `${ruleId}?api-version=2026-11-01`, { properties: { exceptions: theirs } });
    assert.equal(done.status(), 200);
    return route.continue();
  });
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.getByText("Somebody else has changed the rule meanwhile").waitFor();
  assert.equal(await first.getByLabel("Value").inputValue(), "nobody@hardline.test");
  await accessible(page, "an exception in conflict");
  await picture(page, "exception-conflict-light");
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await form.waitFor({ state: "detached" });
  await exceptions.getByRole("button", { name: "Add an exception" }).and(page.locator(":focus")).waitFor();

  await page.reload();
  const listed = exceptions.getByRole("list", { name: "Exceptions of the rule" });
  await listed.getByText(`Theirs ${run}`).waitFor();
  await listed.getByText(`Ours ${run}`).waitFor();
  await listed.getByText("source.ip is one of 192.0.2.1, 192.0.2.2").waitFor();
  await listed.getByText("Agreed on in the morning.").waitFor();
  await listed.scrollIntoViewIfNeeded();
  await accessible(page, "exceptions");
  await picture(page, "exceptions-light");

  for (const name of [`Ours ${run}`, `Theirs ${run}`]) {
    await listed.getByRole("button", { name: `Remove the exception ${name}` }).click();
    const question = page.getByRole("alertdialog", { name: `Remove the exception ${name}?` });
    await question.getByRole("button", { name: "Cancel" }).and(page.locator(":focus")).waitFor();
    await question.getByRole("button", { name: "Remove" }).click();
    await question.waitFor({ state: "detached" });
    await listed.getByText(name, { exact: true }).waitFor({ state: "detached" });
    await exceptions.getByRole("button", { name: "Add an exception" }).and(page.locator(":focus")).waitFor();
  }
  await page.reload();
  await exceptions.getByText("None: every match is an alert.").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("an exception begins with what an alert is about", options, async () => {
  const { page, context, complaints } = await visitor(browser, { size: { width: 700, height: 900 } });
  await signIn(page, `${portal}/alerts?status=all&rule=${rule.id}`);
  await page.getByRole("link", { name: rule.name }).first().click();
  await page.getByRole("button", { name: "Add an exception from this alert" }).click();
  const form = page.getByRole("dialog", { name: "Add an exception" });
  await form.getByText(rule.name).waitFor();
  const offers = form.getByRole("group", { name: "From the alert" });
  for (const label of ["Who", "From", "Resource", "Operation"]) await offers.getByRole("button", { name: label }).waitFor();
  await form.getByRole("group", { name: "Condition 2" }).waitFor();
  assert.equal(await form.getByRole("group", { name: "Condition 1" }).getByLabel("Field").inputValue(), "user.email");
  assert.equal(await form.getByRole("group", { name: "Condition 1" }).getByLabel("Value").inputValue(), server.user);
  await offers.getByRole("button", { name: "Resource" }).click();
  await offers.getByRole("button", { name: "Operation" }).click();
  await form.getByText(/No alert when user\.email is \S+ and event\.action is \S+/).waitFor();
  await accessible(page, "an exception from an alert");
  await picture(page, "exception-from-alert-700");
  const overflow = await form.evaluate((element) => element.scrollWidth - element.clientWidth);
  assert.equal(overflow, 0, `the form is ${overflow} pixels too wide`);
  await form.getByLabel("Name").fill(`From an alert ${run}`);
  await form.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText(`The exception From an alert ${run} is added to`).waitFor();
  await page.getByRole("region", { name: "Respond" }).getByRole("link", { name: rule.name }).click();
  await page.getByRole("list", { name: "Exceptions of the rule" }).getByText(`From an alert ${run}`).waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("who may only read sees the exceptions and changes none", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  const made = await send(context, "PUT", `${userId}?api-version=2026-11-01`, { properties: { displayName: "Reader", password: reader.password } });
  assert.ok(made.ok());
  const principalId = (await made.json()).properties.objectId;
  const at = `/subscriptions/${server.subscription}`;
  const properties = { principalId, roleDefinitionId: `${at}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7` };
  const given = await send(context, "PUT", `${at}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}?api-version=2022-04-01`, { properties });
  assert.equal(given.status(), 201);
  const rights = page.waitForResponse((response) => response.url().includes("/Microsoft.Authorization/permissions"));
  await signIn(page, rulePage, reader);
  assert.equal((await rights).status(), 200);
  const exceptions = page.getByRole("region", { name: "Exceptions" });
  await exceptions.getByText(`From an alert ${run}`).waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(await exceptions.getByRole("button").count(), 0);
  assert.equal(await page.getByRole("group", { name: "Rule" }).getByRole("button").count(), 0);
  assert.equal(await page.getByRole("switch", { name: "Enabled" }).isDisabled(), true);
  await accessible(page, "exceptions for a reader");
  await picture(page, "exceptions-reader-light");
  await page.goto(`${portal}/alerts?status=all&rule=${rule.id}`);
  await page.getByRole("link", { name: rule.name }).first().click();
  await page.getByRole("region", { name: "Respond" }).waitFor();
  await page.waitForLoadState("networkidle");
  assert.equal(await page.getByRole("button", { name: "Add an exception from this alert" }).count(), 0);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("a rule is deleted after a question", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await signIn(page, rulePage);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("heading", { name: "Rules", level: 1 }).waitFor();
  await page.goto(rulePage);
  await page.getByText("This rule does not exist").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});
