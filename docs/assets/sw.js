// Keeps the whole knowledge base on the phone: after one visit it opens without a network.
"use strict";
const CACHE = "kb-" + "VERSION";
const FILES = [/* FILES */];

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    // A few at a time and each on its own: one lost file on a weak network must not cost the rest.
    for (let at = 0; at < FILES.length; at += 6)
      await Promise.all(FILES.slice(at, at + 6).map(async (file) => {
        if (!(await cache.match(file))) await cache.add(file).catch(() => {});
      }));
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith("kb-") && name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !url.href.startsWith(self.registration.scope)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(event.request, { ignoreSearch: true });
    if (kept) {
      // What is kept is shown at once; what is on the server is taken for the next time.
      if (event.request.mode === "navigate") event.waitUntil(refresh(cache, event.request));
      return kept;
    }
    return refresh(cache, event.request);
  })());
});

async function refresh(cache, request) {
  try {
    const fresh = await fetch(request);
    if (fresh.ok && fresh.status === 200) await cache.put(request, fresh.clone());
    return fresh;
  } catch (error) {
    return (await cache.match("./")) || Response.error();
  }
}
