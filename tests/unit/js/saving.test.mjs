import assert from "node:assert/strict";
import test from "node:test";
import { held, settle } from "./fakes.mjs";
import { ApiError } from "../../../exam_app/static/js/lib/api.js";
import { Saving } from "../../../exam_app/static/js/exam/saving.js";

const saved = (body) => ({ saved: Object.fromEntries(body.answers.map((a) => [a.slot, a.seq])), server_time: "", deadline: "" });

/** A saving whose timers don't run by themselves. */
function saving(put) {
  const sent = [], failed = [];
  const made = new Saving(async (body) => { sent.push(body.answers.map((a) => a.slot)); return put(body); }, { changed() {}, told() {}, failed: (e) => failed.push(e) });
  return Object.assign(made, { sent, failed, quiet: () => clearTimeout(made.timer) });
}

test("handing in waits for a save under way", async () => {
  const gate = held();
  const own = saving(async (body) => { await gate.promise; return saved(body); });
  own.answer("1", "A", 3);
  own.send();
  let flushed = null;
  const flushing = own.flush().then((ok) => { flushed = ok; });
  await settle();
  assert.equal(flushed, null);
  gate.release();
  await flushing;
  assert.equal(flushed, true);
  assert.deepEqual([own.unsaved(), own.expected()], [[], { 1: 1 }]);
});

test("what was answered while a save was under way goes out before the hand-in", async () => {
  const gate = held();
  const own = saving(async (body) => { await gate.promise; return saved(body); });
  own.answer("1", "A", 3);
  own.send();
  own.answer("2", "B", 3);
  gate.release();
  assert.equal(await own.flush(), true);
  assert.deepEqual(own.sent, [["1"], ["2"]]);
  own.quiet();
});

test("without a network the flush says so, and all stays", async () => {
  const own = saving(async () => { throw new ApiError("连不上服务器"); });
  own.answer("1", "A", 3);
  assert.equal(await own.flush(), false);
  assert.deepEqual([own.unsaved().length, own.failed[0].kind, own.stuck()], [1, "network", []]);
  own.quiet();
});

test("one answer that can't be stored never blocks the others", async () => {
  for (const status of [422, 500]) {
    const own = saving(async (body) => {
      if (body.answers.some((a) => a.slot === "3")) throw new ApiError("第 3 题：不对", status);
      return saved(body);
    });
    for (let n = 1; n <= 8; n += 1) own.answer(String(n), "A", 1);
    assert.equal(await own.flush(), true);
    assert.deepEqual(own.unsaved().map(([slot]) => slot), ["3"]);
    assert.deepEqual([own.stuck(), own.refused[3].reason], [["3"], "第 3 题：不对"]);
    assert.equal("3" in own.expected(), false);
    // A new answer to it has a new chance.
    own.put = async (body) => saved(body);
    own.answer("3", "B", 1);
    assert.deepEqual(own.stuck(), []);
    assert.equal(await own.flush(), true);
    assert.equal(own.expected()[3], 2);
    own.quiet();
  }
});

test("an answer that was saved before a refused change still has to be there", async () => {
  const own = saving(async (body) => saved(body));
  own.answer("1", "A", 1);
  await own.flush();
  own.put = async () => { throw new ApiError("不对", 422); };
  own.answer("1", "x", 1);
  await own.flush();
  assert.deepEqual([own.stuck(), own.expected()], [["1"], { 1: 1 }]);
  own.quiet();
});

test("a server that stumbles over everything isn't asked for each answer", async () => {
  const own = saving(async () => { throw new ApiError("出错了", 500); });
  for (let n = 1; n <= 64; n += 1) own.answer(String(n), "A", 1);
  assert.equal(await own.flush(), false);
  assert.ok(own.sent.length < 16, String(own.sent.length));
  own.quiet();
});

test("nothing goes out once another phone has taken over", async () => {
  const own = saving(async (body) => saved(body));
  own.answer("1", "A", 1);
  own.stopped = true;
  assert.equal(await own.flush(), false);
  assert.deepEqual([own.sent, own.last()], [[], null]);
  own.quiet();
});
