// The story of API access: granted by an administrator, the key viewed and changed by the user, by the words on the
// pages, with JavaScript and without.
import { api, assert, base, bodyText, key, launched, logIn, person, status, toConfigUsers } from "./browser.mjs";

const browser = await launched();
const version = (text) => status(`/xml/software_version?api_key=${text}`);

for (const javaScriptEnabled of [true, false]) {
  const name = javaScriptEnabled ? "ines" : "jonas";
  await api("POST", "/users", { username: name, role: "user", password: "password" });
  const administrator = await person(browser, { javaScriptEnabled });
  const user = await person(browser, { javaScriptEnabled });
  await logIn(administrator.page, "admin", "admin");
  await logIn(user.page, name, "password");

  // By default no user has API access: the own row has no key, the page no box.
  await toConfigUsers(user.page);
  assert.equal(await user.page.getByRole("row").count(), 2, "the heading and the own row");
  await user.page.getByRole("link", { name, exact: true }).last().click();
  assert.equal(await user.page.getByRole("heading", { name: "API Settings" }).count(), 0);
  assert.equal(await user.page.getByLabel("API Access").count(), 0);

  // The administrator selects the user, ticks the checkbox labelled API Access, and saves.
  const { page } = administrator;
  await toConfigUsers(page);
  await page.getByLabel("Search users").fill(name);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name, exact: true }).click();
  assert.equal(await page.getByLabel("API Access").isChecked(), false);
  await page.getByLabel("API Access").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const granted = await key(page, "api-key");
  assert.match(granted, /^[0-9a-f]{20}$/);
  assert.equal(await version(granted), 200);

  // In line with the name, for the administrator and for the user.
  await toConfigUsers(page);
  assert.ok((await bodyText(page)).includes(granted));
  const mine = user.page;
  await toConfigUsers(mine);
  assert.ok((await mine.getByRole("row").last().innerText()).includes(granted));

  // Generate New Key: nothing is in force yet. Cancel keeps the old key.
  const edit = async () => {
    await toConfigUsers(mine);
    await mine.getByRole("link", { name: `Edit ${name}` }).click();
  };
  const generate = async () => {
    await mine.getByRole("button", { name: "Generate New Key" }).click();
    return key(mine, "proposed-key");
  };
  await edit();
  const cancelled = await generate();
  assert.deepEqual([await version(granted), await version(cancelled)], [200, 401]);
  await mine.getByRole("button", { name: "Cancel" }).click();
  assert.deepEqual([await version(granted), await version(cancelled)], [200, 401]);

  // Leaving the page discards it, too: a Save from a stale page then changes nothing.
  await edit();
  const left = await generate();
  const other = await user.context.newPage();
  await other.goto(mine.url());
  await other.close();
  await mine.getByRole("button", { name: "Save", exact: true }).click();
  assert.match(await mine.getByRole("alert").innerText(), /No rotation of the key is staged/);
  assert.deepEqual([await version(granted), await version(left)], [200, 401]);

  // Generated twice, only the last one counts; Save accepts it.
  await edit();
  const once = await generate();
  const twice = await generate();
  await mine.getByRole("button", { name: "Save", exact: true }).click();
  assert.equal(await key(mine, "api-key"), twice);
  assert.equal(await mine.getByRole("status").innerText(), "Saved.");
  await generate();
  assert.equal(await mine.getByRole("status").count(), 0, "nothing is saved while a key waits");
  assert.deepEqual(
    [await version(granted), await version(once), await version(twice)],
    [401, 401, 200],
  );

  // A value that the browser sends is never adopted, nor does a user grant access by sending the field.
  await edit();
  const chosen = "0123456789abcdef0123";
  const token = await mine.locator("input[name=form_token]").first().inputValue();
  const send = (form) =>
    user.context.request.post(mine.url(), { form: { form_token: token, ...form }, headers: { origin: base }, maxRedirects: 0 });
  for (const field of ["pending", "proposed", "api_key", "key"]) {
    await send({ do: "save", [field]: chosen });
    assert.equal(await version(chosen), 401);
  }
  assert.equal(await version(twice), 200);
  await send({ do: "save", role: "administrator", username: name, status: "active" });
  assert.equal((await api("GET", `/users/${name}`)).json.role, "user");

  // Unticked, saved and confirmed, the key is gone at once; ticked again there is a new one.
  await toConfigUsers(page);
  await page.goto(`${base}/console/config/users?q=${name}`);
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByLabel("API Access").uncheck();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  assert.equal(await version(twice), 200);
  await page.getByLabel("End the API key").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  assert.equal(await version(twice), 401);
  assert.equal(await page.getByRole("heading", { name: "API Settings" }).count(), 0);
  await page.getByLabel("API Access").check();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const again = await key(page, "api-key");
  assert.deepEqual([await version(again), await version(twice)], [200, 401]);

  // Nobody's page but one's own.
  for (const path of ["/console/config/users/1", "/console/config/users/999999"]) {
    assert.equal((await mine.goto(base + path)).status(), 403);
  }
  const expected = /status of (400|403|409)/;
  assert.deepEqual([...administrator.complaints, ...user.complaints].filter((text) => !expected.test(text)), []);
}
await browser.close();
