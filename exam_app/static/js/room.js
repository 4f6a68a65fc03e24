// @ts-check
// The invigilator's board, fetched again every ten seconds.
import { call } from "./lib/api.js";
import { $, element } from "./lib/dom.js";

const board = $("board");

/**
 * @param {string} title
 * @param {any} text
 * @param {boolean} [number]
 */
function cell(title, text, number) {
  const td = element("td", { className: number ? "num" : "" }, text);
  td.dataset.title = title;
  return td;
}

/** @param {any} r */
const row = (r) => element("tr", {},
  element("th", { scope: "row", textContent: r.name }), cell("村", r.village),
  cell("状态", element("span", { className: `mark ${r.sign}`, textContent: r.word })),
  cell("已答", r.answered, true), cell("最后保存", r.last || "—", true),
  cell("剩几分钟", r.minutes === null ? "—" : String(r.minutes), true), cell("离开", `${r.left} 次`, true));

async function refresh() {
  if (document.hidden) return;
  try {
    const data = await call("GET", board.dataset.url);
    if (data.rows.length) board.tBodies[0].replaceChildren(...data.rows.map(row));
    const quiet = data.quiet ? `，其中 ${data.quiet} 人 3 分钟没有动静` : "";
    $("board-words").textContent = `正在考 ${data.running} 人${quiet}；已交卷 ${data.done} 人`;
    $("board-at").textContent = data.at;
  } catch (/** @type {any} */ error) {
    // Another failure is over by the next round.
    if (error.kind !== "signed_out") return;
    clearInterval(timer);
    $("board-words").textContent = "登录已过期，这里不再更新。请重新登录。";
  }
}
const timer = setInterval(refresh, 10000);
