// The invigilator's board, fetched again every ten seconds.
"use strict";
const board = document.getElementById("board");
const cell = (title, text, number) => {
  const td = document.createElement("td");
  td.dataset.title = title;
  if (number) td.className = "num";
  td.append(text);
  return td;
};

function row(r) {
  const tr = document.createElement("tr");
  const name = Object.assign(document.createElement("th"), { scope: "row", textContent: r.name });
  const mark = Object.assign(document.createElement("span"), { className: `mark ${r.sign}`, textContent: r.word });
  tr.append(
    name, cell("村", r.village), cell("状态", mark), cell("已答", r.answered, true), cell("最后保存", r.last || "—", true),
    cell("剩几分钟", r.minutes === null ? "—" : String(r.minutes), true), cell("离开", `${r.left} 次`, true),
  );
  return tr;
}

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(board.dataset.url, { credentials: "same-origin" });
    if (!answer.ok) return;
    const data = await answer.json();
    if (data.rows.length) board.tBodies[0].replaceChildren(...data.rows.map(row));
    const quiet = data.quiet ? `，其中 ${data.quiet} 人 3 分钟没有动静` : "";
    document.getElementById("board-words").textContent = `正在考 ${data.running} 人${quiet}；已交卷 ${data.done} 人`;
    document.getElementById("board-at").textContent = data.at;
  } catch { /* the next round tries again */ }
}
setInterval(refresh, 10000);
