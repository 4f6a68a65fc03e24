// @ts-check
// Tells the server that the unit is before somebody's eyes, and plays recordings from where they were left.
import { call } from "./lib/api.js";
import { $, element } from "./lib/dom.js";
import { Outbox } from "./lib/outbox.js";

const box = $("study"), recording = $("recording");
const EVERY = 20000;
/** @type {any} */
let timer;
/** @type {string | null} */
let word = null;
let asked = false, stopped = !box;
const outbox = box && new Outbox(box.dataset.person, () => {});

const seen = () => document.visibilityState === "visible";

/** @param {string} text */
const tell = (text) => { if ($("study-said").textContent !== text) $("study-said").textContent = text; };

/** @param {any} data */
function say(data) {
  const needed = Number(box.dataset.needed);
  const minutes = Math.ceil(data.left / 60);
  tell(data.state === "full" ? "今天学得够久了，明天再接着学。今天多出来的时间不记。"
    : data.left ? `还要学 ${minutes} 分钟` : data.unplayed ? `录像还有约 ${Math.ceil(data.unplayed / 60)} 分钟没放完`
    : document.querySelector("#quiz [name=item]") ? "时间够了，答完小测就记学时" : "时间够了，可以记学时了");
  const done = box.querySelector("rect.done");
  if (done && needed) done.setAttribute("width", ((100 * (needed - data.left)) / needed).toFixed(1));
}

/** @param {any} data */
function ask(data) {
  if (asked) return;
  asked = true;
  $("still-word").textContent = `“${data.word}”`;
  $("still-words").replaceChildren(...data.words.map((/** @type {string} */ text) => {
    const button = element("button", { type: "button", className: "go second wide", textContent: text });
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
    const data = await call("POST", "/learn/beat", told, { keepalive: true });
    say(data);
    if (data.state === "asked" && seen()) ask(data);
    if (data.state === "elsewhere") { stopped = true; recording?.pause(); if (seen()) $("elsewhere").showModal(); return; }
    if (outbox.rows.size) outbox.send();
  } catch (/** @type {any} */ error) {
    if (error.kind === "signed_out") { stopped = true; tell("登录过期了，学习时间没有在记。请重新登录。"); return; }
    if (error.kind === "network") {
      tell("没有网络，学习时间暂时没有在记。");
      await keepPlace(told);
    }
  }
  if (seen()) timer = setTimeout(beat, EVERY);
}

/** Where the recording stands goes to the server later; time without a network doesn't count. @param {any} told */
async function keepPlace(told) {
  if (!recording) return;
  for (const row of outbox.waiting("study")) if (row.body.window === told.window) await outbox.drop(row.id);
  await outbox.add("study", { ...told, seen: false, word: null }, { label: document.title });
}

if (recording) {
  recording.addEventListener("loadedmetadata", () => {
    const at = Number(recording.dataset.position);
    if (at > 5 && at < recording.duration - 5) recording.currentTime = at;
  }, { once: true });
  /** @type {NodeListOf<HTMLElement>} */
  const speeds = document.querySelectorAll("[data-speed]");
  for (const button of speeds)
    button.addEventListener("click", () => {
      recording.playbackRate = Number(button.dataset.speed);
      for (const other of speeds) other.setAttribute("aria-pressed", String(other === button));
    });
  for (const event of ["pause", "ended"]) recording.addEventListener(event, () => { if (!asked) beat(); });
}
document.addEventListener("visibilitychange", () => beat(!seen()));
window.addEventListener("pagehide", () => beat(true));
$("still")?.addEventListener("cancel", (/** @type {Event} */ event) => event.preventDefault());
if (box) {
  timer = setTimeout(beat, 1000);
  outbox.open().then(() => { if (outbox.rows.size) outbox.send(); });
}
