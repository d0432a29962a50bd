// The story of one's own keys: the filebin list as documented, keys of other keyspaces through their life, trying
// them, the audit; by the words on the pages, with JavaScript and without.
import { api, assert, base, bodyText, isGood, key, launched, logIn, person } from "./browser.mjs";

const browser = await launched();
const filebin = async (text) => {
  const body = new URLSearchParams({ apikey: text });
  return (await fetch(`${base}/api/v2.0.0/user/apikeys`, { method: "POST", body })).status;
};

for (const javaScriptEnabled of [true, false]) {
  const name = javaScriptEnabled ? "kira" : "leon";
  await api("POST", "/users", { username: name, role: "user", password: "password" });
  const { page, context, complaints } = await person(browser, { javaScriptEnabled });
  await logIn(page, name, "password");
  const press = (label) => page.getByRole("button", { name: label, exact: true }).click();

  // The documented list: its columns, its levels explained, the level preselected.
  await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "My keys" }).click();
  await page.getByRole("heading", { name: "API keys" }).waitFor();
  assert.equal(await page.getByLabel("Access").locator("option:checked").innerText(), "apikey");
  assert.deepEqual(await page.locator("dl.levels dt").allInnerTexts(), ["basic", "apikey", "full"]);
  for (const [comment, level] of [["oldest", "basic"], ["<b>middle</b>", "apikey"], ["newest", "full"]]) {
    await page.getByLabel("Comment").fill(comment);
    await page.getByLabel("Access").selectOption(level);
    await press("Create a new key");
  }
  const headings = await page.getByRole("columnheader").allInnerTexts();
  assert.deepEqual(headings.slice(0, 5), ["#", "Key", "Comment", "Created on", "Access"]);
  const rows = page.getByRole("row");
  const cells = await rows.nth(1).getByRole("cell").allInnerTexts();
  assert.deepEqual([cells[0], cells[2]], ["1", "newest"], "newest first");
  assert.match(cells[3], /^\d{4}\/\d\d\/\d\d \d\d:\d\d$/);
  assert.match(cells[4], /^full/);
  assert.equal((await rows.nth(2).getByRole("cell").allInnerTexts())[2], "<b>middle</b>");
  assert.equal(await filebin(cells[1]), 200, "the complete key, in clear");
  // Deleting asks first, and thinking better of it changes nothing.
  await page.getByRole("button", { name: "Delete key 1" }).click();
  assert.match(await bodyText(page), /Delete the key\?/);
  await page.getByRole("link", { name: "Cancel" }).click();
  assert.equal(await filebin(cells[1]), 200);
  await page.getByRole("button", { name: "Delete key 1" }).click();
  await press("Delete");
  assert.notEqual(await filebin(cells[1]), 200);
  assert.equal(await rows.count(), 3);

  // A key of another keyspace is shown once, even when the form is sent again.
  await page.getByRole("link", { name: "native", exact: true }).click();
  await page.getByLabel("Comment").fill("worker");
  await page.getByLabel("Access").selectOption("4: write");
  await page.getByLabel("Expires").selectOption("After 30 days");
  await press("Create a new key");
  const first = await key(page, "new-key");
  assert.equal(await isGood(first), true);
  await page.reload();
  assert.ok(!(await page.content()).includes(first));
  assert.equal(await page.getByRole("row").count(), 2, "sent again, it made no second key");

  // Its page: restrict, see what would change, save.
  await page.getByRole("row").nth(1).getByRole("link").first().click();
  const place = page.url().replace(/\?.*/, "");
  await api("POST", "/verify", { key: first, address: "192.0.2.7" });
  await page.getByLabel("IP addresses").fill("198.51.100.0/24");
  await press("What would change");
  assert.match(await page.locator(".preview").innerText(), /192\.0\.2\.7: allowed now, would be refused/);
  assert.equal((await api("POST", "/verify", { key: first, address: "192.0.2.7" })).json.valid, true, "not yet");
  await press("Save");
  assert.match(await bodyText(page), /Saved/);
  assert.equal((await api("POST", "/verify", { key: first, address: "192.0.2.7" })).json.code, "address_not_allowed");
  await page.getByLabel("IP addresses").fill("");
  await page.getByLabel("Expires").fill("tomorrow");
  await press("Save");
  assert.match(await page.getByRole("alert").innerText(), /2027-01-31T12:00:00Z/);
  await page.getByLabel("Expires").fill("");
  await press("Save");

  // Suspend, resume, rotate with grace, revoke, delete.
  await press("Suspend");
  assert.equal(await isGood(first), false);
  await press("Resume");
  assert.equal(await isGood(first), true);
  await page.getByLabel("The old key").selectOption("1 hour more");
  await press("Rotate");
  const second = await key(page, "new-key");
  assert.deepEqual([await isGood(first), await isGood(second)], [true, true], "both for an hour");
  await page.goto(place);
  assert.match(await bodyText(page), /verifies until/);
  await page.getByLabel("Reason").selectOption("keyCompromise");
  await press("Revoke");
  assert.match(await bodyText(page), /Revoke the key\?/);
  assert.equal(await isGood(second), true);
  await press("Revoke");
  assert.deepEqual([await isGood(first), await isGood(second)], [false, false]);
  assert.match(await bodyText(page), /keyCompromise/);
  await press("Delete");
  assert.match(await page.getByRole("alert").innerText(), /Tick the box/);
  await page.getByLabel("Delete the key").check();
  await press("Delete");
  assert.match(await bodyText(page), /The key was deleted/);

  // A person who may do less than a key would: the form does not offer it.
  const offered = await page.getByLabel("Access").locator("option").allInnerTexts();
  assert.equal(offered.at(-1), "4: write");

  // Trying: the verdict alone for a user, each check for an administrator.
  const made = await api("POST", "/keys", { keyspace: "native", owner: name, level: 2, allowlist: "192.0.2.0/24" });
  const attempt = async (of, address) => {
    await of.goto(`${base}/console/try`);
    await of.getByLabel("Key", { exact: true }).fill(made.json.text);
    await of.getByLabel("Used from").fill(address);
    await of.getByRole("button", { name: "Try", exact: true }).click();
    assert.ok(!(await of.content()).includes(made.json.text) && !of.url().includes("kw_"), "the key is not repeated");
    return of.locator(".verdict").innerText();
  };
  assert.match(await attempt(page, "192.0.2.1"), /^Allowed$/);
  assert.match(await attempt(page, "192.0.3.1"), /^Refused$/, "and no reason");
  const administrator = await person(browser, { javaScriptEnabled });
  await logIn(administrator.page, "admin", "admin");
  const explained = await attempt(administrator.page, "192.0.3.1");
  assert.match(explained, /address_not_allowed/);
  assert.equal(await administrator.page.locator(".checks li").count(), 8);
  const { json } = await api("GET", `/keys/${made.json.key.id}`);
  assert.equal(json.usage?.count ?? json.uses ?? 0, 0, "trying is no use");

  // The audit has all of it, by filter.
  await administrator.page.getByRole("link", { name: "Audit", exact: true }).click();
  await administrator.page.getByLabel("By", { exact: true }).fill(name);
  await administrator.page.getByRole("button", { name: "Filter" }).click();
  const audit = await bodyText(administrator.page);
  for (const what of ["key created", "key updated", "key suspended", "key resumed", "key rotated", "key revoked", "key deleted"]) {
    assert.ok(audit.includes(what), what);
  }
  assert.ok(audit.includes("chain holds"));

  const expected = /status of 400/;
  assert.deepEqual([...complaints, ...administrator.complaints].filter((text) => !expected.test(text)), []);
  await context.close();
}
await browser.close();
