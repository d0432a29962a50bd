// The first visit to an empty store: the administrator is made with the code that the server printed, once.
import process from "node:process";
import { assert, base, bodyText, launched, person } from "./browser.mjs";

const browser = await launched();
const { page, complaints } = await person(browser, { javaScriptEnabled: false });
await page.goto(`${base}/`);
assert.equal(page.url(), `${base}/console/setup`);
const fill = async (code, again) => {
  await page.getByLabel("One-time code").fill(code);
  await page.getByLabel("User name").fill("root");
  await page.getByLabel("Password", { exact: true }).fill("correct horse");
  await page.getByLabel("Password again").fill(again);
  await page.getByRole("button", { name: "Make the administrator" }).click();
};
await fill("wrong", "correct horse");
assert.match(await page.getByRole("alert").innerText(), /not the one that the server printed/);
await fill(process.env.KEYWARD_SETUP_CODE, "battery staple");
assert.match(await page.getByRole("alert").innerText(), /not the same/);
await fill(process.env.KEYWARD_SETUP_CODE, "correct horse");
assert.match(await bodyText(page), /You are logged in/);
assert.equal(await page.getByRole("link", { name: "root", exact: true }).count(), 1);

// It is over for everybody else.
const other = await person(browser);
await other.page.goto(`${base}/console/setup`);
assert.equal(other.page.url(), `${base}/console/login`);

// Logged out, the pages are closed again, also to the Back button.
await page.getByRole("button", { name: "Log out" }).click();
assert.match(await bodyText(page), /You are logged out/);
await page.goBack();
assert.match(page.url(), /\/console\/login/);
assert.deepEqual([...complaints, ...other.complaints].filter((text) => !text.includes("status of 400")), []);
await browser.close();
