// @ts-check
// Opens the pages that this phone has kept where there is no network: an exam under way, the daily practice, the visits.
// A page is kept together with the files it names, whose names carry a hash of their content. So a release changes both or
// neither.
"use strict";
/** @type {any} */
const worker = self;
const CACHE = "app-VERSION", WAIT = 8000;
const PAGES = /^\/(exams\/attempts\/\d+|practice\/daily|visits\/log)$/;
const HASHED = /^\/static\/.+\.[0-9a-f]{10}\.[a-z0-9]+$/;
const NAMED = /(?:src|href)="(\/[^"?#]+\.(?:css|js|svg))/g;

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(takeOver()));
worker.addEventListener("message", (/** @type {any} */ event) => {
  const path = event.data?.keep;
  if (PAGES.test(path)) event.waitUntil(fetch(path, { credentials: "same-origin" }).then((answer) => keep(path, answer)).catch(() => {}));
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event, { pathname, origin } = new URL(request.url);
  if (origin !== worker.location.origin) return;
  // Somebody signs in or out: a kept page is the one of who was there before.
  if ((request.method === "POST" && /^\/(login|logout)\b/.test(pathname)) || pathname === "/login/oidc/back") event.waitUntil(forget());
  if (request.method !== "GET") return;
  if (request.mode === "navigate" && PAGES.test(pathname)) event.respondWith(freshOrKept(event, pathname));
  else if (HASHED.test(pathname) || /\.(css|js)$/.test(pathname)) event.respondWith(file(request, pathname));
});

/** What an earlier version kept goes on; its cache goes. */
async function takeOver() {
  const cache = await caches.open(CACHE);
  for (const name of await caches.keys()) {
    if (!name.startsWith("app-") || name === CACHE) continue;
    const old = await caches.open(name);
    for (const request of await old.keys()) {
      const kept = await old.match(request, { ignoreVary: true });
      if (kept && !(await cache.match(request, { ignoreVary: true }))) await cache.put(request, kept);
    }
    await caches.delete(name);
  }
  await worker.clients.claim();
}

/**
 * The page as the server has it now, else the kept one.
 * @param {any} event
 * @param {string} path
 */
async function freshOrKept(event, path) {
  const late = new Promise((_, refuse) => setTimeout(refuse, WAIT, new Error("no answer")));
  try {
    const answer = await Promise.race([fetch(event.request), late]);
    if (answer.ok && !answer.redirected) event.waitUntil(keep(path, answer.clone()).catch(() => {}));
    return answer;
  } catch (error) {
    const kept = await (await caches.open(CACHE)).match(path, { ignoreSearch: true, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

/**
 * Keeps a page: first all files that it names, then the page itself, and at last drops what no kept page names.
 * @param {string} path
 * @param {Response} answer
 */
async function keep(path, answer) {
  if (!answer.ok || answer.redirected) return;
  const cache = await caches.open(CACHE);
  const names = namedIn(await answer.clone().text());
  await Promise.all(names.map(async (name) => {
    if (HASHED.test(name) && (await cache.match(name, { ignoreVary: true }))) return;
    await cache.add(name);
  }));
  await cache.put(path, answer);
  await prune(cache);
}

/** @param {string} html */
const namedIn = (html) => [...new Set([...html.matchAll(NAMED)].map((match) => match[1]))];

/** @param {Cache} cache */
async function prune(cache) {
  const requests = await cache.keys(), wanted = new Set();
  for (const request of requests) {
    const path = new URL(request.url).pathname;
    if (!PAGES.test(path)) continue;
    wanted.add(path);
    const page = await cache.match(request, { ignoreVary: true });
    for (const name of namedIn(page ? await page.text() : "")) wanted.add(name);
  }
  for (const request of requests) if (!wanted.has(new URL(request.url).pathname)) await cache.delete(request, { ignoreVary: true });
}

/**
 * A file whose name carries its hash never changes; any other is kept for want of a network only.
 * @param {Request} request
 * @param {string} path
 */
async function file(request, path) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path, { ignoreVary: true });
  if (kept && HASHED.test(path)) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

async function forget() {
  for (const name of await caches.keys()) {
    if (!name.startsWith("app-")) continue;
    const cache = await caches.open(name);
    for (const request of await cache.keys())
      if (PAGES.test(new URL(request.url).pathname)) await cache.delete(request, { ignoreVary: true });
  }
}
