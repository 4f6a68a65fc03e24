import assert from "node:assert/strict";
import test from "node:test";
import { browser, FakeShelf } from "./fakes.mjs";
import { ApiError } from "../../../exam_app/static/js/lib/api.js";
import { Outbox } from "../../../exam_app/static/js/lib/outbox.js";

/** An outbox of account 5 whose server judges with `outcome`. */
function outbox(outcome = () => ({ outcome: "stored" }), shelf = new FakeShelf()) {
  const { kept } = browser(), sent = [];
  const own = new Outbox("5", () => {}, { shelf, post: async (body) => {
    sent.push(body);
    const results = body.items.map((item) => ({ id: item.id, ...outcome(item, body) }));
    return { results, server_time: new Date().toISOString() };
  } });
  return Object.assign(own, { kept, sent, quiet: () => clearTimeout(own.timer) });
}

test("what was stored leaves the phone, and the request is as agreed", async () => {
  const own = outbox();
  assert.equal(await own.add("visit", { case: 1 }, { label: "03-07" }), true);
  await own.send();
  assert.deepEqual([own.waiting("visit"), own.shelf.rows.size], [[], 0]);
  const [body] = own.sent;
  assert.deepEqual(Object.keys(body).sort(), ["account", "device", "held", "items"]);
  assert.deepEqual(Object.keys(body.items[0]).sort(), ["base", "body", "id", "kind", "made_at", "seq"]);
  assert.deepEqual([body.account, body.held, body.items[0].base], [5, 1, null]);
});

test("what the server refuses is kept, shown with its reason, and can be mended or deleted", async () => {
  const own = outbox((item) => (item.body.on === "2026-12-01" ? { outcome: "refused", detail: "不能晚于今天" } : { outcome: "stored" }));
  await own.add("visit", { on: "2026-12-01" }, { label: "03-07" });
  await own.add("visit", { on: "2026-11-30" });
  await own.send();
  const [row] = own.refused("visit");
  assert.deepEqual([row.label, row.refused, own.shelf.rows.size], ["03-07", "不能晚于今天", 1]);
  // It is there after the page was closed, and doesn't go out by itself.
  const again = outbox(() => ({ outcome: "stored" }), own.shelf);
  await again.send();
  assert.deepEqual([again.sent.length, again.refused("visit").length], [0, 1]);
  await again.mend(row.id, { on: "2026-11-30" });
  await again.send();
  assert.deepEqual([again.sent[0].items[0].id, again.shelf.rows.size], [row.id, 0]);
  await own.open();
  await own.drop(row.id);
  assert.deepEqual(own.refused("visit"), []);
});

test("a full phone says so, and what it can't keep is still sent", async () => {
  const own = outbox();
  own.shelf.full = true;
  assert.equal(await own.add("visit", { case: 1 }), false);
  assert.deepEqual([own.waiting("visit").length, own.loose.size], [1, 1]);
  await own.send();
  assert.deepEqual([own.sent[0].items.length, own.waiting("visit").length, own.loose.size], [1, 0, 0]);
});

test("a full phone keeps what it had", async () => {
  const own = outbox(() => { throw new ApiError("连不上服务器"); });
  await own.add("visit", { case: 1 });
  own.shelf.full = true;
  await own.add("visit", { case: 2 });
  await own.send();
  assert.deepEqual(own.waiting("visit").map((r) => r.body.case), [1, 2]);
  own.quiet();
});

test("one bad item never blocks the others", async () => {
  const own = outbox((item, body) => {
    if (body.items.some((i) => i.body.case === 3)) throw new ApiError("出错了", 500);
    return { outcome: "stored" };
  });
  for (let n = 1; n <= 7; n += 1) await own.add("visit", { case: n });
  await own.send();
  assert.deepEqual(own.refused("visit").map((r) => r.body.case), [3]);
  assert.deepEqual(own.waiting("visit"), []);
});

test("an expired sign-in judges nothing and waits", async () => {
  const own = outbox(() => { throw new ApiError("请先登录", 401); });
  await own.add("visit", { case: 1 });
  await own.send();
  assert.deepEqual([own.signedOut, own.waiting("visit").length, own.refused("visit")], [true, 1, []]);
});

test("another person on the same phone neither sees nor sends it", async () => {
  const shelf = new FakeShelf();
  const first = outbox(() => { throw new ApiError("连不上服务器"); }, shelf);
  await first.add("visit", { case: 1 });
  const second = new Outbox("6", () => {}, { shelf, post: async () => assert.fail("sent") });
  await second.send();
  assert.deepEqual([second.rows.size, shelf.rows.size], [0, 1]);
});

test("an old queue is taken over once, under its own keys", async () => {
  const own = outbox();
  localStorage.setItem("visits-waiting-5", JSON.stringify([{ key: "k1", code: "03-07", case: 7 }]));
  const made = ({ key, code, ...body }) => ({ id: key, body, label: code });
  await own.takeOver("visits-waiting-5", "visit", made);
  await own.takeOver("visits-waiting-5", "visit", made);
  assert.deepEqual(own.waiting("visit").map((r) => [r.id, r.label, r.body]), [["k1", "03-07", { case: 7 }]]);
  assert.equal(own.kept.has("visits-waiting-5"), false);
});

test("an old queue that the phone can't take over stays", async () => {
  const own = outbox();
  own.shelf.full = true;
  localStorage.setItem("visits-waiting-5", JSON.stringify([{ key: "k1", case: 7 }]));
  await own.takeOver("visits-waiting-5", "visit", ({ key, ...body }) => ({ id: key, body, label: "" }));
  assert.equal(own.kept.has("visits-waiting-5"), true);
});

test("items go out in the order in which they were made", async () => {
  const own = outbox();
  for (const n of [1, 2, 3]) await own.add("practice", { item: n });
  await own.send();
  assert.deepEqual(own.sent[0].items.map((i) => i.body.item), [1, 2, 3]);
});
