// @ts-check
// Has the service worker keep this page, so that it opens without a network.

// Each section had a worker of its own before.
const FORMER = /^\/(exams|practice|visits)\/$/;

export async function keepPage() {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;
  try {
    const registration = await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
    const worker = registration.active ?? (await activated(registration));
    worker.postMessage({ keep: location.pathname });
    for (const other of await navigator.serviceWorker.getRegistrations())
      if (FORMER.test(new URL(other.scope).pathname)) await other.unregister();
    await caches.delete("exam");
  } catch { /* this browser can't: what was typed is kept all the same */ }
}

/** Drops this page, when there is nothing to go on with. */
export async function dropPage() {
  if (!("caches" in window)) return;
  try {
    for (const name of await caches.keys()) await (await caches.open(name)).delete(location.pathname, { ignoreVary: true });
  } catch { /* it is of no use, and does no harm */ }
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @returns {Promise<ServiceWorker>}
 */
function activated(registration) {
  const worker = registration.installing ?? registration.waiting;
  return new Promise((resolve, reject) => {
    if (!worker) return reject(new Error("no worker"));
    const look = () => {
      if (worker.state === "activated") resolve(worker);
      else if (worker.state === "redundant") reject(new Error("not installed"));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}
