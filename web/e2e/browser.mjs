// A Chromium of the system's, driven headless, and what every test of the portal needs.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Where the pictures of the pages go. */
export const PICTURES = fileURLToPath(new URL("../../target/portal/", import.meta.url));
/** Longest wait for one thing to appear, milliseconds. */
export const PATIENCE = 30_000;

/** The server under test, as `dev.env` describes it. */
export const server = {
  url: required("HARDLINE_URL").replace(/\/$/, ""),
  user: required("HARDLINE_USER"),
  password: required("HARDLINE_PASSWORD"),
  subscription: required("HARDLINE_SUBSCRIPTION"),
  group: required("HARDLINE_RESOURCE_GROUP"),
  vm: required("HARDLINE_VM"),
  guestUser: required("HARDLINE_GUEST_USER"),
  guestPassword: required("HARDLINE_GUEST_PASSWORD"),
};
export const portal = `${server.url}/portal`;
export const vmPage = `${portal}/vms/${server.subscription}/${server.group}/${server.vm}`;

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: start \`hardline dev\` and read its dev.env first (. DIR/dev.env)`);
    process.exit(2);
  }
  return value;
}

export async function launch() {
  mkdirSync(PICTURES, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync",
    ],
  });
}

const visitors = new Set();

/** Shows what every open page looks like and complained about, then closes it: after a test that failed. */
export async function findings(name) {
  for (const { page, context, complaints } of visitors) {
    const file = `failed-${name.replaceAll(/[^a-z0-9]+/gi, "-")}-${[...visitors].findIndex((v) => v.page === page)}`;
    await picture(page, file).catch(() => undefined);
    console.error(`${page.url()} looked like ${PICTURES}${file}.png`, complaints);
    await context.close().catch(() => undefined);
  }
  visitors.clear();
}

/** A person at a browser of their own. Everything that the page complains about is kept and must be nothing. */
export async function visitor(browser, { scheme = "light", size = { width: 1280, height: 800 }, reader = false } = {}) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, colorScheme: scheme, viewport: size, acceptDownloads: true, reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"],
  });
  if (reader) await context.addInitScript(() => localStorage.setItem("hardline.console.screenReader", "on"));
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const urls = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // A refused request is logged by the browser itself; the page shows it in its own words.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
  });
  page.on("request", (request) => urls.push(request.url()));
  page.on("websocket", (socket) => urls.push(socket.url()));
  // Leaving a console asks first; the test always leaves.
  page.on("dialog", (dialog) => void dialog.accept());
  const made = { context, page, complaints, urls };
  visitors.add(made);
  context.on("close", () => visitors.delete(made));
  return made;
}

export async function signIn(page, to = `${portal}/`, who = server) {
  await page.goto(to);
  await page.getByLabel("User").fill(who.user);
  await page.getByLabel("Password", { exact: true }).fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("link", { name: "Hardline, home" }).waitFor();
}

/** Saves a picture of the page. */
export async function picture(page, name) {
  await page.screenshot({ path: `${PICTURES}${name}.png` });
}

/** No serious or critical finding of axe. */
export async function accessible(page, where) {
  await page.evaluate(AXE);
  // Tabster's dummies (Fluent's focus handling) pass the focus on as soon as they get it.
  const what = { exclude: [["[data-tabster-dummy]"]] };
  const { violations } = await page.evaluate((context) => globalThis.axe.run(context, { resultTypes: ["violations"] }), what);
  const serious = violations.filter((v) => v.impact === "serious" || v.impact === "critical");
  const told = serious.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => `${n.target.join(" ")} ${n.failureSummary ?? ""}`).join("\n    ")}`);
  assert.equal(serious.length, 0, `${where}:\n  ${told.join("\n  ")}`);
}

/** What the terminal shows, as its accessibility tree tells it (screen reader mode), line by line. */
export async function terminalLines(page) {
  const rows = await page.locator(".xterm-accessibility-tree > *").allInnerTexts();
  return rows.map((row) => row.replaceAll("\u00a0", " ").trimEnd());
}

/** Waits until `wanted` (a function of the terminal's lines) gives something, and gives that. */
export async function onTerminal(page, what, wanted, patience = PATIENCE) {
  const end = performance.now() + patience;
  for (;;) {
    const lines = await terminalLines(page);
    const found = wanted(lines);
    if (found) return found;
    if (performance.now() > end) throw new Error(`the terminal never showed ${what}; it shows:\n${lines.join("\n")}`);
    // Returns as soon as anything changes on the terminal.
    await page
      .waitForFunction((before) => document.querySelector(".xterm-accessibility-tree")?.textContent !== before,
        await page.locator(".xterm-accessibility-tree").textContent(), { timeout: 1000, polling: 50 })
      .catch(() => undefined);
  }
}

/** The console's state line: waits for this phase. */
export async function phase(page, name) {
  await page.locator(`[data-phase=${name}]`).waitFor();
}
