// @ts-check
// Large text, remembered on this device. Loaded in the head so that the page never jumps.
(() => {
  const root = document.documentElement;
  const read = () => { try { return localStorage.getItem("large") === "1"; } catch { return false; } };
  root.classList.toggle("large", read());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-large]");
    const show = () => {
      if (!button) return;
      const on = root.classList.contains("large");
      button.textContent = on ? "标准字" : "大字";
      button.setAttribute("aria-pressed", String(on));
    };
    button?.addEventListener("click", () => {
      const on = root.classList.toggle("large");
      try { localStorage.setItem("large", on ? "1" : "0"); } catch { /* private mode: for this page only */ }
      show();
    });
    show();
    for (const back of document.querySelectorAll("[data-print]")) back.addEventListener("click", () => window.print());
    for (const copy of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]")))
      copy.addEventListener("click", async () => {
        const text = document.getElementById(copy.dataset.copy ?? "")?.textContent?.trim() ?? "";
        try { await navigator.clipboard.writeText(text); copy.textContent = "已复制"; } catch { copy.textContent = "请长按文字复制"; }
      });
  });
})();
