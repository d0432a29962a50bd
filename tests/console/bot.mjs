// The story of a bot user and its API key, by the words on the pages, with JavaScript and without.
import { assert, base, bodyText, key, launched, logIn, person, status } from "./browser.mjs";

const browser = await launched();
const self = (text) => status("/users/self", { authorization: text });

for (const javaScriptEnabled of [true, false]) {
  const name = `Lab calendar ${javaScriptEnabled ? "with" : "without"} script`;
  const { page, context, complaints } = await person(browser, { javaScriptEnabled });
  await logIn(page, "admin", "admin");

  // Create a new bot user and give it an appropriate name; by default it has the role User.
  await page.getByRole("link", { name: "Bots", exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Create bot user" }).click();
  await page.getByRole("heading", { name }).waitFor();
  const role = page.getByLabel("Role");
  assert.equal(await role.inputValue(), "user");
  assert.deepEqual(await role.locator("option").allInnerTexts(), ["User", "Moderator", "Administrator"]);

  // Select the bot user, visit the API Key tab, click the button: the full key is shown this once.
  await page.getByRole("link", { name: "Bots", exact: true }).click();
  await page.getByRole("link", { name, exact: true }).click();
  await page.getByRole("link", { name: "API Key", exact: true }).click();
  const tab = page.url();
  await page.getByRole("button", { name: "Generate a new API key" }).click();
  const first = await key(page, "new-key");
  assert.match(first, /^QR-[0-9a-z]{38}$/);
  assert.match(await bodyText(page), /not be shown again/);
  assert.equal(await self(first), 200);

  // In subsequent views only the first 8 characters are shown, and nothing offers another look.
  await page.goto(tab);
  const later = await page.content();
  assert.ok(later.includes(first.slice(0, 8)) && !later.includes(first.slice(0, 9)), "8 characters and no more");
  assert.equal(await page.getByRole("button", { name: "Generate a new API key" }).count(), 0);
  await page.goBack().catch(() => undefined);
  assert.ok(!(await page.content()).includes(first), "nor does going back show it");
  await page.goto(tab);

  // Restricted to an address, requests from elsewhere fail as though the key were invalid.
  const field = page.getByLabel("IP addresses");
  const save = page.getByRole("button", { name: "Save", exact: true });
  for (const good of ["1.2.3.4", "1.2.3.0/24", "1.2.3.4,99.100.101.102", "1.2.3.0/24, 99.100.101.0/24"]) {
    await field.fill(good);
    await save.click();
    assert.match(await bodyText(page), /The IP restriction was saved/);
    assert.equal(await field.inputValue(), good.replaceAll(" ", ""));
    assert.equal(await self(first), 401);
  }
  await field.fill("1.2.3.4,1.2.3,5.6.7.8");
  await save.click();
  assert.match(await page.getByRole("alert").innerText(), /"1\.2\.3"/, "the wrong item is named");
  assert.equal(await self(first), 401, "and the list in force stays");
  await field.fill(" 127.0.0.1 , ::1");
  await save.click();
  assert.equal(await self(first), 200);
  await field.fill("");
  await save.click();
  assert.equal(await field.inputValue(), "");
  assert.equal(await self(first), 200);

  // The bot's recent requests are there to be looked at.
  await page.goto(tab);
  assert.match(await page.getByRole("table").innerText(), /GET \/users\/self/);

  // Upgrade its role: it acts through the API and can never log in.
  await page.getByRole("link", { name: "Bot user", exact: true }).click();
  await page.getByLabel("Role").selectOption("Administrator");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  assert.match(await bodyText(page), /Saved/);
  const profile = await (await fetch(`${base}/users/self`, { headers: { authorization: first } })).json();
  assert.equal(profile.data.role, "administrator");

  // Regenerate: the old key is overwritten and unusable for all future requests; the restriction stays.
  await page.getByRole("link", { name: "API Key", exact: true }).click();
  await page.getByLabel("IP addresses").fill("127.0.0.0/8");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Regenerate API key" }).click();
  assert.equal(await self(first), 200, "asked first");
  await page.getByRole("button", { name: "Regenerate API key" }).click();
  const second = await key(page, "new-key");
  assert.notEqual(second, first);
  assert.deepEqual([await self(first), await self(second)], [401, 200]);
  assert.equal(await page.getByLabel("IP addresses").inputValue(), "127.0.0.0/8");

  // Clear: the tab offers a new key again, and the restriction went with the old one.
  await page.getByRole("button", { name: "Clear API key" }).click();
  assert.equal(await self(second), 200, "asked first");
  await page.getByRole("button", { name: "Clear API key" }).click();
  assert.equal(await self(second), 401);
  await page.getByRole("button", { name: "Generate a new API key" }).click();
  const third = await key(page, "new-key");
  assert.equal(await page.getByLabel("IP addresses").inputValue(), "");
  assert.equal(await self(third), 200);

  // Removing the bot user clears its key, too; without the tick nothing happens.
  await page.getByRole("link", { name: "Bot user", exact: true }).click();
  await page.getByRole("button", { name: "Remove bot user" }).click();
  assert.match(await page.getByRole("alert").innerText(), /Tick the box/);
  assert.equal(await self(third), 200);
  await page.getByLabel("Remove the bot user").check();
  await page.getByRole("button", { name: "Remove bot user" }).click();
  assert.match(await bodyText(page), /was removed/);
  assert.equal(await self(third), 401);
  assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0);
  assert.deepEqual(complaints.filter((text) => !text.includes("status of 400")), []);
  await context.close();
}

// A user may neither see bots nor make one, and a bot has no login.
const { page } = await person(browser);
await logIn(page, "test", "test");
assert.equal(await page.getByRole("link", { name: "Bots" }).count(), 0);
const answer = await page.goto(`${base}/console/bots`);
assert.equal(answer.status(), 403);
await browser.close();
