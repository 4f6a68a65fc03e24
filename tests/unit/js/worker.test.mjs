import assert from "node:assert/strict";
import test from "node:test";
import { worker } from "./fakes.mjs";

const page = (release) => `<link rel="stylesheet" href="/static/app.${release}.css"><script type="module" src="/static/js/exam/page.${release}.js"></script>`;
const OLD = "aaaaaaaaaa", NEW = "bbbbbbbbbb", PATH = "/exams/attempts/7";
const files = (release) => ({ [PATH]: page(release), [`/static/app.${release}.css`]: `css ${release}`, [`/static/js/exam/page.${release}.js`]: `js ${release}` });
const text = async (answer) => (await answer).text();

test("a page opens without a network, with the files that it names", async () => {
  const own = worker("1", files(OLD));
  assert.equal(await text(own.open(PATH)), page(OLD));
  own.online = false;
  assert.equal(await text(own.open(PATH)), page(OLD));
  assert.equal(await text(own.file(`/static/js/exam/page.${OLD}.js`)), `js ${OLD}`);
});

test("a release never mixes old scripts with a new page", async () => {
  const own = worker("1", files(OLD));
  await own.open(PATH);
  own.site = Object.assign(own.site, files(NEW));
  await own.open(PATH);
  own.online = false;
  assert.equal(await text(own.open(PATH)), page(NEW));
  assert.equal(await text(own.file(`/static/js/exam/page.${NEW}.js`)), `js ${NEW}`);
  // What no kept page names is gone.
  assert.deepEqual([...own.caches.get("app-1").entries.keys()].sort(), Object.keys(files(NEW)).sort());
});

test("a new page whose files did not come leaves the old one, whole", async () => {
  const own = worker("1", files(OLD));
  await own.open(PATH);
  own.site[PATH] = page(NEW);
  await own.open(PATH);
  own.online = false;
  assert.equal(await text(own.open(PATH)), page(OLD));
  assert.equal(await text(own.file(`/static/js/exam/page.${OLD}.js`)), `js ${OLD}`);
});

test("a new version takes over what is kept and drops the old cache", async () => {
  const first = worker("1", files(OLD));
  await first.open(PATH);
  const second = worker("2", {}, first.caches);
  await second.fire("activate", {});
  assert.deepEqual([...second.caches.keys()], ["app-2"]);
  second.online = false;
  assert.equal(await text(second.open(PATH)), page(OLD));
});

test("a page asks to be kept", async () => {
  const own = worker("1", files(OLD));
  await own.fire("message", { data: { keep: PATH } });
  await own.fire("message", { data: { keep: "/account" } });
  own.online = false;
  assert.equal(await text(own.open(PATH)), page(OLD));
  assert.equal(own.asked.includes("/account"), false);
});

test("who signs in or out finds no page of another", async () => {
  for (const path of ["/logout", "/login"]) {
    const own = worker("1", files(OLD));
    await own.open(PATH);
    await own.post(path);
    own.online = false;
    await assert.rejects(own.open(PATH));
  }
});

test("a file whose name carries its hash is not asked for twice; other pages are left alone", async () => {
  const own = worker("1", files(OLD));
  await own.open(PATH);
  const before = own.asked.length;
  await own.file(`/static/app.${OLD}.css`);
  assert.equal(own.asked.length, before);
  assert.equal(await own.open("/account"), undefined);
});
