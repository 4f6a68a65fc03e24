// @ts-check
// Says how far the outbox is, and shows what the server refused.
import { $, element } from "./dom.js";

/** @param {string} text what the page has to say; "" for nothing */
export function tell(text) { $("message").textContent = text; $("message").hidden = !text; }

/**
 * @param {import("./outbox.js").Outbox} outbox
 * @param {string} kind
 * @param {string} unit the measure word of what waits
 */
export function sayWaiting(outbox, kind, unit) {
  const waiting = outbox.waiting(kind), loose = waiting.filter((r) => outbox.loose.has(r.id)).length;
  const refused = outbox.refused(kind).length;
  if (loose) $("saved").textContent = `手机存不下，${loose} ${unit}关掉页面就没了，请连上网`;
  else if (outbox.signedOut && waiting.length) $("saved").textContent = `要重新登录，已记下 ${waiting.length} ${unit}`;
  else if (waiting.length) $("saved").textContent = navigator.onLine && outbox.failures < 2 ? "正在保存…" : `离线，已记下 ${waiting.length} ${unit}`;
  else $("saved").textContent = refused ? `有 ${refused} ${unit}没有存上` : "✓ 已保存";
}

/**
 * The refused ones into `#refused`, each with its reason and what can be done.
 * @param {import("./outbox.js").Outbox} outbox
 * @param {string} kind
 * @param {((row: import("./outbox.js").Row) => void) | null} mend opens one to be changed
 */
export function showRefused(outbox, kind, mend) {
  const rows = outbox.refused(kind), box = $("refused");
  box.hidden = !rows.length;
  box.replaceChildren(...rows.map((row) => {
    const drop = element("button", { type: "button", className: "go second", textContent: "删掉" });
    drop.addEventListener("click", () => {
      if (drop.dataset.sure !== "1") { drop.dataset.sure = "1"; drop.textContent = "再点一次就删掉"; return; }
      outbox.drop(row.id);
    });
    const buttons = element("p", { className: "row-of" });
    if (mend) {
      const change = element("button", { type: "button", className: "go", textContent: "改一改再存" });
      change.addEventListener("click", () => mend(row));
      buttons.append(change);
    }
    buttons.append(drop);
    return element("div", { className: "note bad" }, element("p", {}, element("strong", { textContent: row.label }), ` 没有存上：${row.refused}`), buttons);
  }));
}
