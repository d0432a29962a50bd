// Names and comments that want to be something else, in every field of every form; and where a key that is shown
// once may not be found afterwards.
import { api, assert, base, key, launched, logIn, person } from "./browser.mjs";

const browser = await launched();
const planted = [
  "<script>alert(1)</script>",
  "\"><img src=x onerror=alert(1)>",
  "'\"`;--</textarea></title><svg/onload=alert(1)>",
  "</style><script>alert(1)</script>",
  "javascript:alert(1)",
  "{{7*7}} ${7*7} <%= 7*7 %>",
  "&lt;b&gt; &amp;",
  "x".repeat(10_000),
];

const { page, context, complaints } = await person(browser);
const alerted = () => page.evaluate(() => document.querySelectorAll("main script, main img, main svg[onload], main iframe").length);
// What was typed is there as text or as a value, and nothing of it came to life.
async function inert(text) {
  assert.equal(await alerted(), 0, text.slice(0, 60));
  assert.ok(await page.getByRole("button", { name: "Log out" }).isVisible(), "the page is whole");
}
await logIn(page, "admin", "admin");

// Every visible field of each form, whether it takes the text or says what is wrong with it.
const forms = ["/config/users/new", "/bots", "/keys/filebin", "/keys/native", "/try", "/audit"];
const made = await api("POST", "/keys", { keyspace: "native", level: 2, comment: "victim" });
forms.push(`/key/${made.json.key.id}`);
const victim = await api("POST", "/users", { username: "victim", role: "user" });
forms.push(`/config/users/${victim.json.id}`);
for (const path of forms) {
  for (const text of planted) {
    await page.goto(`${base}/console${path}`);
    const fields = page.locator("main form input:not([type=hidden]):not([type=checkbox]):not([type=date])");
    const count = await fields.count();
    for (let at = 0; at < count; at += 1) {
      if (!(await fields.nth(at).isVisible())) continue;
      const name = await fields.nth(at).getAttribute("name");
      // One field at a time, the others as good as they can be.
      await page.goto(`${base}/console${path}`);
      const needed = page.locator("main form input[required]:visible");
      for (let other = 0; other < (await needed.count()); other += 1) {
        if ((await needed.nth(other).inputValue()) === "") await needed.nth(other).fill("name");
      }
      const field = page.locator(`main form input[name="${name}"]:visible`).first();
      if ((await field.getAttribute("type")) === "email") await field.evaluate((input) => { input.type = "text"; });
      await field.fill(text);
      await Promise.all([
        page.waitForResponse((response) => response.request().isNavigationRequest() && response.status() !== 303),
        field.press("Enter"),
      ]);
      await page.waitForLoadState();
      await inert(text);
    }
  }
}
// Wherever such a name is shown afterwards.
for (const name of planted.slice(0, 7)) {
  // The forms before made a bot of the name itself, and no two are called alike.
  const text = `${name} again`;
  await page.goto(`${base}/console/bots`);
  await page.getByLabel("Name", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Create bot user" }).click();
  assert.equal(await page.getByRole("heading", { level: 1 }).innerText(), text.trim());
  await inert(text);
}
for (const path of ["", "/config/users", "/bots", "/keys/filebin", "/keys/native", "/audit"]) {
  await page.goto(`${base}/console${path}`);
  await inert(path);
}
const addresses = ["/config/users?q=", "/audit?user=", "/login?to=", "/config/users?sort=", "/keys/native?owner=", "/"];
for (const path of addresses) {
  for (const text of planted.slice(0, 7)) {
    await page.goto(`${base}/console${path}${encodeURIComponent(text)}`);
    assert.equal(await alerted(), 0, path);
  }
}

// A key that was shown once: in no address, no later page, no storage, no cache.
const { page: one } = { page: await context.newPage() };
const seen = [];
one.on("request", (request) => seen.push(request.url()));
await one.goto(`${base}/console/keys/native`);
await one.getByLabel("Comment").fill("shown once");
const [response] = await Promise.all([
  one.waitForResponse((answer) => answer.request().method() === "POST"),
  one.getByRole("button", { name: "Create a new key" }).click(),
]);
const text = await key(one, "new-key");
assert.equal(response.headers()["cache-control"], "no-store");
for (const path of ["/keys/native", "/audit", "", "/try"]) {
  await one.goto(`${base}/console${path}`);
  assert.ok(!(await one.content()).includes(text), path);
}
await one.goBack();
assert.ok(!(await one.content()).includes(text));
assert.ok(!seen.some((url) => url.includes(text) || url.includes("kw_")), "in no address");
const kept = await one.evaluate(async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, await globalThis.caches?.keys()]));
assert.ok(!kept.includes(text) && !kept.includes("keyward_session"), "the script cannot see the session either");
console.log(`shown once: ${text}`);
assert.deepEqual(complaints.filter((line) => !/status of 4\d\d/.test(line)), []);
await browser.close();
