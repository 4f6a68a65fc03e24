// Tells the server that the unit is before somebody's eyes, and plays recordings from where they were left.
"use strict";
(() => {
  const box = document.getElementById("study");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const $ = (id) => document.getElementById(id);
  const recording = $("recording");
  const EVERY = 20000;
  let timer, word = null, asked = false, stopped = !box;

  const seen = () => document.visibilityState === "visible";

  function say(data) {
    const needed = Number(box.dataset.needed);
    const minutes = Math.ceil(data.left / 60);
    const text = data.state === "full" ? "今天学得够久了，明天再接着学。今天多出来的时间不记。"
      : data.left ? `还要学 ${minutes} 分钟` : data.unplayed ? `录像还有约 ${Math.ceil(data.unplayed / 60)} 分钟没放完`
      : document.querySelector("#quiz [name=item]") ? "时间够了，答完小测就记学时" : "时间够了，可以记学时了";
    if ($("study-said").textContent !== text) $("study-said").textContent = text;
    const done = box.querySelector("rect.done");
    if (done && needed) done.setAttribute("width", (100 * (needed - data.left) / needed).toFixed(1));
  }

  function ask(data) {
    if (asked) return;
    asked = true;
    $("still-word").textContent = `“${data.word}”`;
    $("still-words").replaceChildren(...data.words.map((text) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "go second wide", textContent: text });
      button.addEventListener("click", () => { word = text; $("still").close(); asked = false; beat(); });
      return button;
    }));
    recording?.pause();
    $("still").showModal();
  }

  async function beat(leaving = false) {
    clearTimeout(timer);
    if (stopped) return;
    const told = { window: Number(box.dataset.window), seen: seen() && !leaving, word, at: recording ? recording.currentTime : null };
    word = null;
    try {
      const response = await fetch("/learn/beat", {
        method: "POST", credentials: "same-origin", keepalive: true,
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token }, body: JSON.stringify(told),
      });
      const data = await response.json();
      if (response.ok) {
        say(data);
        if (data.state === "asked" && seen()) ask(data);
        if (data.state === "elsewhere") { stopped = true; recording?.pause(); if (seen()) $("elsewhere").showModal(); return; }
      } else if (response.status === 401) { stopped = true; $("study-said").textContent = "登录过期了，学习时间没有在记。请重新登录。"; return; }
    } catch { $("study-said").textContent = "没有网络，学习时间暂时没有在记。"; }
    if (seen()) timer = setTimeout(beat, EVERY);
  }

  if (recording) {
    recording.addEventListener("loadedmetadata", () => {
      const at = Number(recording.dataset.position);
      if (at > 5 && at < recording.duration - 5) recording.currentTime = at;
    }, { once: true });
    for (const button of document.querySelectorAll("[data-speed]"))
      button.addEventListener("click", () => {
        recording.playbackRate = Number(button.dataset.speed);
        for (const other of document.querySelectorAll("[data-speed]")) other.setAttribute("aria-pressed", String(other === button));
      });
    for (const event of ["pause", "ended"]) recording.addEventListener(event, () => { if (!asked) beat(); });
  }
  document.addEventListener("visibilitychange", () => beat(!seen()));
  window.addEventListener("pagehide", () => beat(true));
  $("still")?.addEventListener("cancel", (event) => event.preventDefault());
  if (box) timer = setTimeout(beat, 1000);
})();
