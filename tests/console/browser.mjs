// A real browser for the stories: the system's Chromium, driven from outside.
import { createRequire } from "node:module";
import { strict as assert } from "node:assert";
import process from "node:process";

const require = createRequire(`${process.env.KEYWARD_NODE_CLIENTS}/node_modules/`);
const { chromium } = require("playwright-core");
export { assert, require };

export const base = process.argv[2];

export async function launched() {
  return chromium.launch({
    executablePath: process.env.KEYWARD_CHROMIUM,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--no-proxy-server"],
  });
}

// A person with a browser of their own. What the browser complains about is kept.
export async function person(browser, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error}`));
  page.on("dialog", (dialog) => {
    complaints.push(`${page.url()}: a dialog says ${dialog.message()}`);
    return dialog.dismiss();
  });
  return { context, page, complaints };
}

export async function logIn(page, name, password) {
  await page.goto(`${base}/console/login`);
  await page.getByLabel("User name or e-mail address").fill(name);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("button", { name: "Log out" }).waitFor();
}

// keyward's own API, by the administrator's native key.
export async function api(method, path, body) {
  const key = process.env.KEYWARD_TEST_KEY;
  // Where a key is verified, that one is presented, and ours is the right to ask.
  const proof = path === "/verify" ? { "x-service-key": key } : { authorization: `Bearer ${key}` };
  const answer = await fetch(`${base}/v1${path}`, {
    method,
    headers: { ...proof, "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
}

// The status that a request with these header fields gets.
export async function status(path, headers = {}) {
  return (await fetch(`${base}${path}`, { headers, redirect: "manual" })).status;
}

export async function toConfigUsers(page) {
  await page.getByRole("link", { name: "Config", exact: true }).click();
  await page.getByRole("main").getByRole("link", { name: "Users", exact: true }).click();
  await page.getByRole("heading", { name: "Users", exact: true }).waitFor();
}

// Whether a native key is good now.
export const isGood = async (text) => (await api("POST", "/verify", { key: text })).json.valid;

export const key = (page, id) => page.locator(`#${id}`).innerText();
export const bodyText = (page) => page.locator("body").innerText();
