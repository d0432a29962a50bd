// Every page of the console, in each of its states: no accessibility problem, valid HTML, no complaint of the
// browser, nothing wider than a phone. With KEYWARD_PICTURES, a picture of each at two widths, light and dark.
import { mkdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { api, assert, base, launched, logIn, person, require } from "./browser.mjs";

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const { HtmlValidate } = require("html-validate");
const validator = new HtmlValidate({
  extends: ["html-validate:recommended", "html-validate:document", "html-validate:a11y"],
  // Matters of taste, and what only handwriting needs.
  rules: { "void-style": "off", "no-trailing-whitespace": "off", "long-title": "off", "require-sri": "off" },
});
const pictures = process.env.KEYWARD_PICTURES;
if (pictures) mkdirSync(pictures, { recursive: true });

const found = [];

let looked = 0;
let verified = [];

async function look(page, name, html) {
  // Something goes on meanwhile.
  looked += 1;
  for (let n = 0; n < (looked * 7) % 30 && verified.length > 0; n += 1) {
    const address = n % 4 ? "10.1.2.3" : "203.0.113.5";
    await api("POST", "/verify", { key: verified[n % verified.length], address });
  }
  const report = await validator.validateString(html);
  for (const result of report.results) {
    for (const message of result.messages) found.push(`${name}: ${message.ruleId}: ${message.message} (${message.line}:${message.column})`);
  }
  for (const scheme of ["light", "dark"]) {
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 844 });
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => globalThis.axe.run());
      for (const violation of violations) {
        for (const node of violation.nodes) found.push(`${name}, ${scheme}, ${width}: ${violation.id}: ${node.html}: ${node.failureSummary}`);
      }
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      for (const word of await page.evaluate(broken)) found.push(`${name}: ${word} is broken at ${width}`);
      if (wide > width) found.push(`${name}: ${wide} wide at ${width}`);
      if (pictures) await page.screenshot({ path: `${pictures}/${name}-${width}-${scheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 844 });
}

// The words of tables that do not stand on one line.
function broken() {
  const words = [];
  for (const table of document.querySelectorAll("table")) {
    const texts = document.createTreeWalker(table, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      for (const { 0: word, index } of text.data.matchAll(/\S+/g)) {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        const lines = new Set([...range.getClientRects()].map((rect) => Math.round(rect.top)));
        if (lines.size > 1) words.push(word);
      }
    }
  }
  return words;
}

// The HTML as it was sent, which a browser would have mended.
async function visit(page, path, name) {
  const answer = await page.goto(`${base}/console${path}`);
  await look(page, name, await answer.text());
}

// Presses a button, or follows a link; the HTML that came of it.
async function press(page, label, role = "button") {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().isNavigationRequest() && response.status() !== 303),
    page.getByRole(role, { name: label, exact: true }).first().click(),
  ]);
  await page.waitForLoadState();
  return answer.text();
}

const browser = await launched();
const complaints = [];

{
  const { page, complaints: own } = await person(browser);
  await visit(page, "/login", "login");
  await page.getByLabel("User name or e-mail address").fill("admin");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await look(page, "login-wrong", await press(page, "Log in"));
  await page.goto(`${base}/console/users`);
  assert.match(page.url(), /\/console\/login/);
  complaints.push(...own.filter((text) => !text.includes("status of 400")));
}

// Something to see.
const users = [];
for (const [username, role, extra] of [
  ["flo", "user", { display_name: "Flora Ost", email: "flo@example.org" }],
  ["mara", "moderator", { display_name: "Mara Lind", email: "mara@example.org" }],
  ["otto", "read-only", { display_name: "Otto Brandt" }],
]) {
  const added = await api("POST", "/users", { username, role, password: "password", ...extra });
  assert.equal(added.status, 201, JSON.stringify(added.json));
  users.push(added.json);
}
for (let n = 0; n < 70; n += 1) {
  await api("POST", "/users", { username: `user-${n}`, role: "user", email: `user-${n}@example.org` });
}
const made = [];
for (const body of [
  { keyspace: "native", level: 4, comment: "build server", allowlist: "10.0.0.0/8,192.0.2.7" },
  { keyspace: "native", level: 2, comment: "dashboard", expires_in_seconds: 9 * 86_400 },
  { keyspace: "native", level: 8, comment: "on call" },
  { keyspace: "filebin", level: 2, comment: "uploads from the laptop" },
  { keyspace: "filebin", level: 4, comment: "everything" },
  { keyspace: "bokamera", level: 4, comment: "bookings" },
  { keyspace: "freesewing", level: 2, comment: "patterns" },
]) {
  const created = await api("POST", "/keys", { owner: "admin", ...body });
  assert.equal(created.status, 201, JSON.stringify(created.json));
  made.push({ ...created.json.key, text: created.json.text });
}
await api("POST", `/keys/${made[2].id}/suspend`);
verified = [made[0].text, made[1].text, made[0].text, made[2].text, `kw_${"x".repeat(50)}`];

{
  const { page, complaints: own } = await person(browser);
  await logIn(page, "admin", "admin");
  await visit(page, "", "overview");
  await visit(page, "/config", "config");
  await visit(page, "/config/users", "users");
  await visit(page, "/config/users?q=nobody-at-all", "users-none");
  await visit(page, "/config/users/new", "user-new");
  await page.getByLabel("User name").fill("flo");
  await look(page, "user-new-taken", await press(page, "Add User"));
  const flo = `/config/users/${users[0].id}`;
  await visit(page, flo, "user");
  await page.getByLabel("API Access").check();
  await look(page, "user-saved", await press(page, "Save"));
  await look(page, "user-generated", await press(page, "Generate New Key"));
  await press(page, "Cancel");
  await page.goto(`${base}/console${flo}`);
  await look(page, "user-unsure", await press(page, "Remove User"));

  await visit(page, "/bots", "bots-none");
  await page.getByLabel("Name").fill("Lab calendar");
  await look(page, "bot", await press(page, "Create bot user"));
  await look(page, "bot-key-none", await press(page, "API Key", "link"));
  await look(page, "bot-key-once", await press(page, "Generate a new API key"));
  const text = await page.locator("#new-key").innerText();
  for (const path of ["/users/self", "/nowhere"]) await fetch(`${base}${path}`, { headers: { authorization: text } });
  await page.getByLabel("IP addresses").fill("1.2.3.4,1.2.3");
  await look(page, "bot-key-wrong", await press(page, "Save"));
  await page.getByLabel("IP addresses").fill("1.2.3.0/24");
  await look(page, "bot-key", await press(page, "Save"));
  await visit(page, "/bots", "bots");

  for (const keyspace of ["filebin", "native", "telvue", "qreserve", "bokamera", "freesewing"]) {
    await visit(page, `/keys/${keyspace}`, `keys-${keyspace}`);
  }
  await visit(page, "/keys/native", "keys-native");
  await page.getByLabel("Comment").fill("new one");
  await look(page, "keys-once", await press(page, "Create a new key"));
  await visit(page, `/key/${made[0].id}`, "key");
  await page.getByLabel("IP addresses").fill("192.0.2.0/24");
  await look(page, "key-preview", await press(page, "What would change"));
  await visit(page, `/key/${made[2].id}`, "key-suspended");
  await look(page, "key-unsure", await press(page, "Delete"));
  await look(page, "key-rotate-asked", await press(page, "Rotate"));
  await look(page, "key-rotated", await press(page, "Rotate"));
  await look(page, "key-revoke-asked", await press(page, "Revoke"));
  await look(page, "key-revoked", await press(page, "Revoke"));
  await visit(page, "/keys/filebin", "keys-filebin");
  await look(page, "keys-delete-asked", await press(page, "Delete key 1"));

  await visit(page, "/try", "try");
  await page.getByLabel("Key", { exact: true }).fill(made[0].text);
  await page.getByLabel("Used from").fill("203.0.113.5");
  await look(page, "try-refused", await press(page, "Try"));
  await page.getByLabel("Key", { exact: true }).fill(made[0].text);
  await page.getByLabel("Used from").fill("10.0.0.1");
  await look(page, "try-allowed", await press(page, "Try"));
  await page.getByLabel("Key", { exact: true }).fill("not a key");
  await page.getByLabel("Used from").fill("");
  await look(page, "try-malformed", await press(page, "Try"));

  await visit(page, "/audit", "audit");
  await visit(page, "/audit?user=flo&chain=whole", "audit-filtered");
  await visit(page, "/audit?user=no-such-user", "audit-wrong");
  await visit(page, "/nowhere", "not-found");
  await visit(page, "", "overview-later");
  complaints.push(...own.filter((text) => !/status of 4\d\d/.test(text)));
}
{
  const { page, complaints: own } = await person(browser);
  await logIn(page, "test", "test");
  await visit(page, "", "overview-user");
  await visit(page, "/config/users", "users-own");
  await look(page, "user-own", await press(page, "test", "link"));
  await visit(page, "/audit", "forbidden");
  complaints.push(...own.filter((text) => !/status of 403/.test(text)));
}
await browser.close();
assert.deepEqual([...found, ...complaints], []);
