// @ts-check
// A page that shows how far something has come: loaded again until it has.
setTimeout(() => { if (!document.hidden) location.reload(); }, 4000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) location.reload(); });
