// Opens the page of an exam under way, of the daily practice or of the visits, without a network: the newest when there is
// one, else the kept one.
// The questions and answers are kept by the page itself.
"use strict";
const KEPT = "exam", WAIT = 8000;
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const { request } = event, { pathname, origin } = new URL(request.url);
  const page = request.mode === "navigate" && /^\/(exams\/attempts\/\d+|practice\/daily|visits\/log)$/.test(pathname);
  if (request.method !== "GET" || origin !== location.origin || !(page || /\.(css|js)$/.test(pathname))) return;
  event.respondWith(freshOrKept(request, pathname, page));
});

async function freshOrKept(request, pathname, page) {
  const cache = await caches.open(KEPT);
  const late = new Promise((_, refuse) => setTimeout(refuse, WAIT, new Error("no answer")));
  try {
    const answer = await Promise.race([fetch(request), late]);
    if (page && answer.ok && !answer.redirected) await cache.put(pathname, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(pathname, { ignoreSearch: true, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
