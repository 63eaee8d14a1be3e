// The portal in a browser, against a running server with a running guest: `. DIR/dev.env; npm run e2e`.

import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { after, afterEach, before, test } from "node:test";
import { accessible, findings, launch, onTerminal, phase, picture, portal, server, signIn, terminalLines, visitor, vmPage } from "./browser.mjs";

/** A guest under emulation takes its time. */
const BOOT = 240_000;
const options = { timeout: 300_000 };

let browser;
before(async () => {
  browser = await launch();
});
afterEach((t) => findings(t.name));
after(() => browser?.close());

const lastLine = (lines) => lines.filter((line) => line !== "").at(-1) ?? "";
const SHELL = /[$#] ?$/;
const LOGIN = /login: ?$/;

const PASSWORD = /[Pp]assword: ?$/;

/**
 * Logs in to the guest. The screen is there on arrival: nobody presses Enter to see a prompt, unless the kernel has printed
 * something behind it.
 */
async function logIn(page) {
  const prompts = [SHELL, LOGIN, PASSWORD];
  const seen = (lines) => prompts.find((p) => p.test(lastLine(lines)));
  let prompt = await onTerminal(page, "a prompt", seen, 15_000).catch(() => null);
  if (prompt === null) {
    await page.keyboard.press("Enter");
    prompt = await onTerminal(page, "a prompt", seen, BOOT);
  }
  if (prompt !== LOGIN) {
    await page.keyboard.type(prompt === SHELL ? "exit\n" : "\n");
    await onTerminal(page, "the login prompt", (lines) => LOGIN.test(lastLine(lines)), BOOT);
  }
  await page.keyboard.type(`${server.guestUser}\n`);
  await onTerminal(page, "the question for the password", (lines) => PASSWORD.test(lastLine(lines)));
  await page.keyboard.type(`${server.guestPassword}\n`);
  await onTerminal(page, "a shell", (lines) => SHELL.test(lastLine(lines)));
}

test("a wrong password is said to be wrong; the right one leads to the list", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  await page.goto(`${portal}/`);
  await page.getByLabel("User").waitFor();
  await picture(page, "sign-in-light");
  await accessible(page, "sign in");
  await page.getByLabel("User").fill(server.user);
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The name or the password is wrong.").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(server.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  const row = page.getByRole("row", { name: new RegExp(server.vm) }).first();
  await row.getByText("Running").waitFor({ timeout: BOOT });
  await page.getByLabel("Filter virtual machines").fill("no such machine");
  await page.getByText("No virtual machine matches the filter").waitFor();
  await page.keyboard.press("Escape");
  await row.waitFor();
  await picture(page, "vm-list-light");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the operator's identity provider has a button, and what it refuses is told", options, async () => {
  const { page, context, complaints } = await visitor(browser);
  const known = await (await context.request.get(`${server.url}/adfs/.well-known/openid-configuration`)).json();
  const json = { ...known, hardline_identity_provider: "Example ID" };
  await page.route("**/.well-known/openid-configuration", (route) => route.fulfill({ json }));
  // What the server does when a person comes back without being signed in.
  await page.route("**/adfs/oauth2/federation?*", (route) => {
    const asked = new URL(route.request().url()).searchParams;
    const told = new URLSearchParams({ error: "access_denied", error_description: "Example ID does not know you.", state: asked.get("state") });
    return route.fulfill({ status: 303, headers: { location: `${asked.get("redirect_uri")}?${told}` } });
  });
  await page.goto(`${portal}/`);
  const button = page.getByRole("link", { name: "Sign in with Example ID" });
  await button.waitFor();
  await accessible(page, "sign in with an identity provider");
  await picture(page, "sign-in-provider-light");
  await button.click();
  await page.getByText("Example ID does not know you.").waitFor();
  await accessible(page, "refused by an identity provider");
  await picture(page, "sign-in-refused-light");
  await page.getByRole("button", { name: "Sign in again" }).click();
  await page.getByLabel("User").waitFor();
  assert.deepEqual(complaints, []);
  await context.close();
});

test("an expired sign-in says so and leads back to the same page", options, async () => {
  const { page, context } = await visitor(browser);
  await signIn(page, `${vmPage}/boot-diagnostics/log`);
  await page.getByRole("tab", { name: "Serial log" }).waitFor();
  await page.route("**/subscriptions/**", (route) => {
    const body = JSON.stringify({ error: { code: "ExpiredAuthenticationToken", message: "The access token expiry time is in the past." } });
    return route.fulfill({ status: 401, contentType: "application/json", body });
  });
  await page.getByText("Your sign-in has expired.").waitFor();
  await page.unroute("**/subscriptions/**");
  await page.getByLabel("User").fill(server.user);
  await page.getByLabel("Password", { exact: true }).fill(server.password);
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "Serial log", selected: true }).waitFor();
  await context.close();
});

test("a code from another machine is typed, looked at, and signs that machine in", options, async () => {
  const { page, context, complaints, urls } = await visitor(browser);
  const client = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
  const ask = (endpoint, form) => context.request.post(`${server.url}/adfs/oauth2/${endpoint}`, { form: { client_id: client, ...form } });
  const begun = await (await ask("devicecode", { scope: `${server.url}/.default` })).json();
  await page.goto(begun.verification_uri);
  await page.getByLabel("User").fill(server.user);
  await page.getByLabel("Password", { exact: true }).fill(server.password);
  await page.keyboard.press("Enter");
  const code = page.getByLabel("Code");
  await code.fill("bbbb bbbb");
  await page.keyboard.press("Enter");
  await page.getByText("No sign-in waits for this code.").waitFor();
  await code.fill(begun.user_code.toLowerCase().replace("-", ""));
  await accessible(page, "device code");
  await picture(page, "device-light");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sign in to Microsoft Azure CLI?" }).waitFor();
  await accessible(page, "device question");
  await picture(page, "device-question-light");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByText("You are signed in to Microsoft Azure CLI.").waitFor();
  const tokens = await ask("token", { grant_type: "urn:ietf:params:oauth:grant-type:device_code", device_code: begun.device_code });
  assert.equal(tokens.status(), 200);
  assert.deepEqual(urls.filter((url) => url.includes(begun.user_code)), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("an instance of a scale set is listed, has its pages, and a console", options, async () => {
  const { page, context, complaints } = await visitor(browser, { reader: true });
  const form = { grant_type: "password", client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46", username: server.user, password: server.password, scope: `${server.url}/.default` };
  const token = (await (await context.request.post(`${server.url}/adfs/oauth2/token`, { form })).json()).access_token;
  const id = `/subscriptions/${server.subscription}/resourceGroups/${server.group}/providers/Microsoft.Compute/virtualMachineScaleSets/portalset`;
  const send = (method, data) =>
    context.request.fetch(`${server.url}${id}?api-version=2024-11-01`, { method, headers: { authorization: `Bearer ${token}` }, ...(data && { data }) });
  const made = await send("PUT", {
    location: "local",
    sku: { name: "Standard_A0", capacity: 1 },
    properties: {
      virtualMachineProfile: {
        storageProfile: { imageReference: { publisher: "Hardline", offer: "hardline-demo", sku: "1", version: "latest" } },
        osProfile: { computerNamePrefix: "web", adminUsername: "operator", adminPassword: "correct horse 7" },
      },
    },
  });
  assert.equal(made.status(), 201);
  try {
    await signIn(page);
    const row = page.getByRole("row", { name: /portalset_0/ });
    await row.getByText("Running").waitFor({ timeout: BOOT });
    await row.getByRole("link", { name: "portalset_0" }).click();
    await page.getByRole("heading", { name: "portalset_0" }).waitFor();
    await page.getByText("web000000").waitFor();
    await picture(page, "instance-light");
    await page.getByRole("link", { name: "Boot diagnostics" }).click();
    await page.getByRole("img", { name: "The display of portalset_0" }).waitFor();
    await page.getByRole("link", { name: "Serial console" }).click();
    await onTerminal(page, "the login prompt", (lines) => /web000000 login: ?$/.test(lastLine(lines)), BOOT);
    assert.deepEqual(complaints, []);
  } finally {
    assert.equal((await send("DELETE")).status(), 202);
  }
  await context.close();
});

test("overview, screenshot and serial log of the machine", options, async () => {
  const { page, context, complaints, urls } = await visitor(browser);
  await signIn(page, vmPage);
  await page.getByRole("heading", { name: server.vm }).waitFor();
  await page.getByRole("heading", { name: "Activity of the last 24 hours" }).waitFor();
  await picture(page, "overview-light");
  await page.getByRole("link", { name: "Boot diagnostics" }).click();
  const image = page.getByRole("img", { name: `The display of ${server.vm}` });
  await image.waitFor();
  const width = await image.evaluate((img) => img.decode().then(() => img.naturalWidth));
  assert.ok(width >= 320, `the picture is ${width} pixels wide`);
  await page.getByText(/Taken at/).waitFor();
  await picture(page, "screenshot-light");
  const [png] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save PNG" }).click()]);
  assert.deepEqual([...(await readFile(await png.path())).subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47]);

  await page.getByRole("tab", { name: "Serial log" }).click();
  const log = page.getByRole("region", { name: `Serial log of ${server.vm}` });
  await log.getByText(/login:/).first().waitFor({ timeout: BOOT });
  await page.getByText("Live", { exact: true }).waitFor();
  await picture(page, "log-light");
  await page.getByLabel("Search in the log").fill("Linux version");
  await page.getByText(/^\d+ of \d+$/).waitFor();
  await log.locator("mark").first().waitFor();
  await picture(page, "log-search-light");
  const [whole] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download whole log" }).click()]);
  assert.ok((await stat(await whole.path())).size > 1000);
  assert.deepEqual(complaints, []);
  await noTokenIn(page, urls);
  await context.close();
});

test("the console: log in, run a command, lose the seat, take it back", options, async () => {
  const first = await visitor(browser, { reader: true });
  await signIn(first.page, `${vmPage}/serial-console`);
  await phase(first.page, "open");
  await logIn(first.page);
  await first.page.keyboard.type("echo $((6*7))\n");
  await onTerminal(first.page, "42", (lines) => lines.includes("42"));
  await picture(first.page, "console-light");

  const second = await visitor(browser, { reader: true, scheme: "dark" });
  await signIn(second.page, `${vmPage}/serial-console`);
  await phase(second.page, "open");
  await onTerminal(second.page, "the screen as it is", (lines) => lines.includes("42") && SHELL.test(lastLine(lines)));
  await phase(first.page, "taken");
  await first.page.getByText(`${server.user} took the seat`, { exact: true }).waitFor();
  await picture(first.page, "console-taken-light");
  await accessible(first.page, "the seat was taken");

  await first.page.getByTestId("terminal").click();
  await first.page.keyboard.type("echo from-the-first\n");
  await second.page.keyboard.type("echo second$((40+2))\n");
  const lines = await onTerminal(second.page, "second42", (all) => (all.includes("second42") && SHELL.test(lastLine(all)) ? all : null));
  assert.ok(!lines.some((line) => line.includes("from-the-first")), lines.join("\n"));
  await picture(second.page, "console-dark");

  await first.page.getByRole("button", { name: "Watch" }).click();
  await first.page.locator("[data-role=viewer]").waitFor();
  await onTerminal(first.page, "what the other did", (all) => all.includes("second42"));
  await picture(first.page, "console-watching-light");
  await accessible(first.page, "watching");
  await first.page.getByTestId("terminal").click();
  await first.page.keyboard.type("echo from-a-viewer\n");
  await second.page.keyboard.type("echo third$((40+2))\n");
  await onTerminal(first.page, "third42, and nothing of its own", (all) => all.includes("third42") && !all.some((line) => line.includes("from-a-viewer")));
  await first.page.getByRole("button", { name: "Take the seat" }).click();
  await first.page.locator("[data-role=writer]").waitFor();
  await phase(second.page, "taken");
  await second.page.getByRole("button", { name: "Take it back" }).click();
  await second.page.locator("[data-role=writer]").waitFor();
  await phase(first.page, "taken");
  await second.page.keyboard.type("exit\n");
  await onTerminal(second.page, "the login prompt", (all) => LOGIN.test(lastLine(all)));
  for (const { page, complaints, urls, context } of [first, second]) {
    assert.deepEqual(complaints, []);
    await noTokenIn(page, urls);
    await context.close({ runBeforeUnload: false });
  }
});

test("a flood of output leaves the console usable", options, async () => {
  const { page, context, complaints } = await visitor(browser, { reader: true });
  await signIn(page, `${vmPage}/serial-console`);
  await phase(page, "open");
  await logIn(page);
  await page.keyboard.type("i=0; while :; do echo flood-$i; i=$((i+1)); done\n");
  await onTerminal(page, "the flood", (lines) => lines.filter((line) => /^flood-\d+$/.test(line)).length > 20);
  await page.keyboard.press("Control+c");
  await onTerminal(page, "the prompt after Ctrl+C", (lines) => SHELL.test(lastLine(lines)), BOOT);
  await page.keyboard.type("clear; echo after$((1+1)); exit\n");
  await onTerminal(page, "the next command", (lines) => lines.includes("after2"));
  assert.deepEqual(complaints, []);
  await context.close({ runBeforeUnload: false });
});

test("a lost network is told, and the console comes back by itself", options, async () => {
  const { page, context } = await visitor(browser, { reader: true });
  await context.addInitScript(() => {
    const Real = globalThis.WebSocket;
    globalThis.sockets = [];
    globalThis.WebSocket = class extends Real {
      constructor(...args) {
        super(...args);
        globalThis.sockets.push(this);
      }
    };
  });
  await signIn(page, `${vmPage}/serial-console`);
  await phase(page, "open");
  const before = await onTerminal(page, "the screen", lastLine);
  // The connection breaks and new ones fail: as when a cable is pulled.
  await page.route("**/connect?*", (route) => route.abort());
  await page.evaluate(() => globalThis.sockets.at(-1).dispatchEvent(new CloseEvent("close", { code: 1006 })));
  await phase(page, "lost");
  await page.getByRole("button", { name: "Reconnect now" }).waitFor();
  await picture(page, "console-lost-light");
  await page.unroute("**/connect?*");
  await page.locator("[data-role=writer]").waitFor();
  // Nothing was typed for the person: a terminal that is shown old output must not answer old questions in it.
  await onTerminal(page, "the screen as it was", (lines) => lastLine(lines) === before);
  await page.keyboard.press("Control+]");
  assert.equal(lastLine(await terminalLines(page)), before);
  await context.close({ runBeforeUnload: false });
});

test("everything by keyboard", options, async () => {
  const { page, context } = await visitor(browser, { reader: true });
  await page.goto(`${portal}/`);
  await page.getByLabel("User").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(server.user);
  await tabTo(page, "Password");
  await page.keyboard.type(server.password);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: server.vm, exact: true }).waitFor();
  await tabTo(page, "Skip to content");
  await page.keyboard.press("Enter");
  await tabTo(page, server.vm);
  await focusIsVisible(page);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Serial console" }).waitFor();
  await tabTo(page, "Boot diagnostics");
  await focusIsVisible(page);
  await page.keyboard.press("Enter");
  await tabTo(page, "Screenshot");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("tab", { name: "Serial log", selected: true }).waitFor();
  await tabTo(page, "Serial console", true);
  await page.keyboard.press("Enter");
  await phase(page, "open");
  await page.locator(".xterm-helper-textarea:focus").waitFor({ state: "attached" });
  // Out of the terminal, through its menus, and back in.
  await page.keyboard.press("Control+]");
  await page.getByRole("button", { name: "Disconnect" }).and(page.locator(":focus")).waitFor();
  await keyTo(page, "SysRq", "ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: /Reboot at once/ }).waitFor();
  await picture(page, "console-sysrq-light");
  await page.keyboard.press("Escape");
  await keyTo(page, "Reset", "ArrowRight");
  await page.keyboard.press("Enter");
  await page.getByRole("alertdialog", { name: new RegExp(`Reset ${server.vm}`) }).waitFor();
  // What cannot be taken back is never one Enter away.
  await page.getByRole("button", { name: "Cancel" }).and(page.locator(":focus")).waitFor();
  await picture(page, "confirm-reset-light");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Reset" }).and(page.locator(":focus")).waitFor();
  await page.keyboard.press("Escape");
  await page.locator(".xterm-helper-textarea:focus").waitFor({ state: "attached" });
  await context.close({ runBeforeUnload: false });
});

for (const scheme of ["light", "dark"]) {
  test(`no serious finding of axe on any page, ${scheme}`, options, async () => {
    const { page, context } = await visitor(browser, { scheme, reader: true });
    await page.goto(`${portal}/`);
    await page.getByLabel("User").waitFor();
    await accessible(page, `sign in, ${scheme}`);
    await picture(page, `sign-in-${scheme}`);
    await signIn(page);
    const pages = [
      ["vm-list", `${portal}/vms`, page.getByRole("link", { name: server.vm, exact: true })],
      ["overview", vmPage, page.getByText("Resource id")],
      ["screenshot", `${vmPage}/boot-diagnostics/screenshot`, page.getByRole("img", { name: /The display/ })],
      ["log", `${vmPage}/boot-diagnostics/log`, page.getByText("Live", { exact: true })],
      ["console", `${vmPage}/serial-console`, page.locator("[data-phase=open]")],
      ["missing", `${vmPage}-that-does-not-exist`, page.getByText("This virtual machine does not exist")],
    ];
    for (const [name, url, seen] of pages) {
      await page.goto(url);
      await seen.first().waitFor();
      await accessible(page, `${name}, ${scheme}`);
      await picture(page, `${name}-${scheme}`);
    }
    await context.close({ runBeforeUnload: false });
  });
}

test("at 800 pixels nothing is cut off", options, async () => {
  const { page, context } = await visitor(browser, { size: { width: 800, height: 600 } });
  await signIn(page, vmPage);
  const pages = [
    ["overview", "", page.getByText("Resource id")],
    ["log", "/boot-diagnostics/log", page.getByText("Live", { exact: true })],
    ["console", "/serial-console", page.locator("[data-phase=open]")],
  ];
  for (const [name, path, seen] of pages) {
    await page.goto(`${vmPage}${path}`);
    await seen.waitFor();
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(overflow, 0, `${name} is ${overflow} pixels too wide`);
    await picture(page, `narrow-${name}`);
  }
  await context.close({ runBeforeUnload: false });
});

test("stop and start, with the console open all along", options, async () => {
  const { page, context, complaints } = await visitor(browser, { reader: true });
  await signIn(page, `${vmPage}/serial-console`);
  await phase(page, "open");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Stop" }).click();
  await page.getByText(`${server.vm} is not running`).waitFor({ timeout: BOOT });
  await page.getByText(`${server.vm} has stopped.`).waitFor({ timeout: BOOT });
  await picture(page, "console-stopped-light");
  await page.getByRole("link", { name: "Boot diagnostics" }).click();
  await page.locator(".fui-MessageBar").nth(1).waitFor();
  await picture(page, "screenshot-stopped-light");
  await page.getByRole("link", { name: "Serial console" }).click();
  await page.getByText(`${server.vm} is not running`).waitFor();
  await page.getByRole("button", { name: "Start", exact: true }).last().click();
  await phase(page, "open");
  await onTerminal(page, "the login prompt", (lines) => LOGIN.test(lastLine(lines)), BOOT);
  await page.getByText(`${server.vm} has started.`).waitFor({ timeout: BOOT });
  assert.deepEqual(complaints, []);
  await context.close({ runBeforeUnload: false });
});

const tabTo = (page, name, back = false) => keyTo(page, name, back ? "Shift+Tab" : "Tab");

/** Presses a key until the element with this name has the focus. */
async function keyTo(page, name, key) {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press(key);
    const here = await page.evaluate(() => {
      const element = document.activeElement;
      const labels = element?.labels?.length ? element.labels[0].textContent : "";
      return element?.getAttribute("aria-label") || labels || element?.textContent || "";
    });
    if (here.trim() === name) return;
  }
  throw new Error(`no way to ${name} with ${key}`);
}

async function focusIsVisible(page) {
  const shown = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  });
  assert.ok(shown, "the focus is not visible");
}

/** The token is in no address that was asked for. */
async function noTokenIn(page, urls) {
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem("hardline.session")).token);
  assert.ok(token.length > 0);
  assert.deepEqual(urls.filter((url) => url.includes(token)), []);
}
