// Small stand-ins for what a browser has.
import { readFileSync } from "node:fs";
import vm from "node:vm";

export const STATIC = new URL("../../../exam_app/static/", import.meta.url);

/** Puts a document with a CSRF token, storage and a network into this process. */
export function browser(answer = () => json({})) {
  const kept = new Map(), requests = [];
  globalThis.document = { querySelector: () => ({ content: "token" }) };
  globalThis.localStorage = {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, String(value)),
    removeItem: (name) => kept.delete(name),
  };
  globalThis.fetch = async (path, options = {}) => {
    requests.push({ path, ...options });
    return answer(path, options);
  };
  return { kept, requests };
}

export function json(data, status = 200, more = {}) {
  return { ok: status < 400, status, redirected: false, url: "", json: async () => data, ...more };
}

export function html(status = 200, more = {}) {
  return { ok: status < 400, status, redirected: false, url: "", json: async () => { throw new SyntaxError("<"); }, ...more };
}

/** What a phone keeps of one person's outbox. `full` makes it refuse new rows. */
export class FakeShelf {
  constructor(rows = []) { this.rows = new Map(rows.map((r) => [r.id, r])); this.full = false; }
  async all() { return [...this.rows.values()]; }
  async put(row) { if (this.full) throw new Error("QuotaExceededError"); this.rows.set(row.id, structuredClone(row)); }
  async drop(id) { this.rows.delete(id); }
}

/** Lets everything that is ready run. */
export const settle = () => new Promise((resolve) => setTimeout(resolve, 0));

/** A promise that the test fulfils. */
export function held() {
  let release, fail;
  const promise = new Promise((resolve, reject) => { release = resolve; fail = reject; });
  return { promise, release, fail };
}

class FakeCache {
  constructor(fetched) { this.entries = new Map(); this.fetched = fetched; }
  #path(request) { return new URL(typeof request === "string" ? request : request.url, "http://here").pathname; }
  async match(request) { return this.entries.get(this.#path(request))?.clone(); }
  async put(request, answer) { this.entries.set(this.#path(request), answer); }
  async add(path) {
    const answer = await this.fetched(path);
    if (!answer.ok) throw new TypeError("not kept");
    this.entries.set(path, answer);
  }
  async keys() { return [...this.entries.keys()].map((path) => ({ url: `http://here${path}` })); }
  async delete(request) { return this.entries.delete(this.#path(request)); }
}

/** The service worker of a version, in a world with `site` (path to text) behind a network that can be cut. */
export function worker(version, site, caches = new Map()) {
  const listeners = {}, world = { online: true, caches, asked: [] };
  const fetched = async (request) => {
    const path = typeof request === "string" ? request : new URL(request.url).pathname;
    world.asked.push(path);
    if (!world.online) throw new TypeError("no network");
    return path in site ? new Response(site[path]) : new Response("", { status: 404 });
  };
  const context = vm.createContext({
    self: {
      addEventListener: (name, listener) => { listeners[name] = listener; }, skipWaiting() {}, location: { origin: "http://here" },
      clients: { claim: async () => {} },
    },
    caches: {
      open: async (name) => { if (!caches.has(name)) caches.set(name, new FakeCache(fetched)); return caches.get(name); },
      keys: async () => [...caches.keys()],
      delete: async (name) => caches.delete(name),
    },
    fetch: fetched, URL, Response, Promise, Error, setTimeout: (f, ms) => setTimeout(f, ms).unref(),
  });
  vm.runInContext(readFileSync(new URL("sw.js", STATIC), "utf8").replace("VERSION", version), context);
  const fire = async (name, event) => {
    const waits = [];
    let answer;
    listeners[name]({ ...event, waitUntil: (p) => waits.push(p), respondWith: (p) => { answer = p; } });
    const given = answer && (await answer);
    await Promise.all(waits);
    return given;
  };
  return Object.assign(world, {
    site, fire,
    open: (path) => fire("fetch", { request: { url: `http://here${path}`, method: "GET", mode: "navigate" } }),
    file: (path) => fire("fetch", { request: { url: `http://here${path}`, method: "GET", mode: "cors" } }),
    post: (path) => fire("fetch", { request: { url: `http://here${path}`, method: "POST", mode: "navigate" } }),
  });
}
