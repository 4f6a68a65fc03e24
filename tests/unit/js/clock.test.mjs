import assert from "node:assert/strict";
import test from "node:test";
import { Clock, Ending } from "../../../exam_app/static/js/exam/clock.js";

const START = Date.parse("2026-11-30T01:00:00Z");
const iso = (seconds) => new Date(START + 1000 * seconds).toISOString();

/** A clock at the start of an exam of an hour, and an ending that notes what it does. */
function exam(word = () => [0, 3600]) {
  const world = { ms: 5_000_000, said: [], word };
  world.clock = new Clock(() => world.ms);
  world.clock.learn(...word().map(iso));
  world.ending = new Ending(world.clock, {
    ask: async () => { world.said.push("ask"); world.clock.learn(...world.word().map(iso)); },
    notice: (seconds) => world.said.push(seconds),
    withdraw: () => world.said.push("withdraw"),
    unreachable: () => world.said.push("unreachable"),
    handIn: () => world.said.push("handIn"),
  });
  world.pass = async (seconds) => { world.ms += 1000 * seconds; await world.ending.check(); };
  return world;
}

test("the phone's own clock decides nothing", (t) => {
  const { clock } = exam(), { now } = Date;
  t.after(() => { Date.now = now; });
  Date.now = () => START + 70 * 60_000;
  assert.equal(clock.left(), 3600);
});

test("what is left runs down with the monotonic clock", async () => {
  const world = exam();
  await world.pass(3540);
  assert.deepEqual([world.clock.left(), world.said], [60, []]);
});

test("the server is asked before anything is handed in, and time that it gave is taken", async () => {
  const world = exam();
  world.word = () => [3600, 4200];
  await world.pass(3600);
  assert.deepEqual(world.said, ["ask"]);
  assert.equal(world.clock.left(), 600);
});

test("a notice stands for twenty seconds before the exam is handed in", async () => {
  const world = exam();
  world.word = () => [3600, 3600];
  await world.pass(3600);
  assert.deepEqual(world.said, ["ask", 20]);
  await world.pass(19);
  assert.deepEqual(world.said, ["ask", 20, 1]);
  await world.pass(1);
  await world.pass(1);
  assert.deepEqual(world.said.slice(3), ["handIn"]);
});

test("time given while the notice stands takes it back", async () => {
  const world = exam();
  world.word = () => [3600, 3600];
  await world.pass(3600);
  world.clock.learn(iso(3605), iso(4200));
  await world.pass(5);
  assert.deepEqual(world.said, ["ask", 20, "withdraw"]);
});

test("without the server nothing is handed in, and it is asked again", async () => {
  const world = exam();
  world.word = () => { throw new Error("no network"); };
  await world.pass(3600);
  await world.pass(1);
  assert.deepEqual(world.said, ["ask", "unreachable"]);
  await world.pass(5);
  assert.deepEqual(world.said, ["ask", "unreachable", "ask", "unreachable"]);
});

test("a hand-in that did not get through is tried again, not every second", async () => {
  const world = exam();
  world.word = () => [3600, 3600];
  await world.pass(3600);
  await world.pass(20);
  world.ending.again();
  await world.pass(1);
  assert.deepEqual(world.said.slice(2), ["handIn", 4]);
  await world.pass(5);
  assert.equal(world.said.at(-1), "handIn");
});
