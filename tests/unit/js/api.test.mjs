import assert from "node:assert/strict";
import test from "node:test";
import { browser, html, json } from "./fakes.mjs";
import { call } from "../../../exam_app/static/js/lib/api.js";

const failure = (answer) => {
  browser(answer);
  return call("GET", "/visits/data.json").then(() => assert.fail("went through"), (error) => error);
};

test("an expired sign-in is told as one, not as a lost network", async () => {
  const error = await failure(() => json({ type: "/kb/help/interfaces/#problem-sign-in", detail: "请先登录" }, 401));
  assert.deepEqual([error.kind, error.status, error.message], ["signed_out", 401, "请先登录"]);
});

test("so is a page's worn-out token", async () => {
  assert.equal((await failure(() => json({ type: "/kb/help/interfaces/#problem-csrf" }, 400))).kind, "signed_out");
});

test("so is a redirect to the sign-in page", async () => {
  assert.equal((await failure(() => html(200, { redirected: true, url: "http://here/login?next=/visits" }))).kind, "signed_out");
});

test("without an answer, or with one of a network that wants its own sign-in, there is no network", async () => {
  assert.equal((await failure(() => { throw new TypeError("Failed to fetch"); })).kind, "network");
  assert.equal((await failure(() => html())).kind, "network");
});

test("every status is of one kind", async () => {
  const kinds = { 400: "refused", 403: "forbidden", 404: "forbidden", 409: "conflict", 413: "refused", 422: "refused", 429: "busy", 500: "broken", 502: "busy", 503: "busy" };
  for (const [status, kind] of Object.entries(kinds)) assert.equal((await failure(() => html(Number(status)))).kind, kind, status);
});

test("a call asks for data and carries the page's token", async () => {
  const { requests } = browser(() => json({ fine: 1 }));
  assert.deepEqual(await call("POST", "/learn/beat", { window: 3 }), { fine: 1 });
  await call("GET", "/visits/data.json");
  assert.deepEqual(requests[0].headers, { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": "token" });
  assert.equal(requests[0].body, '{"window":3}');
  assert.deepEqual(requests[1].headers, { Accept: "application/json" });
});
