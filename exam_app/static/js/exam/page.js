// @ts-check
// The exam on a phone: every answer goes to IndexedDB first, then in batches to the server.
import { ApiError, call } from "../lib/api.js";
import { $, element, withStrong } from "../lib/dom.js";
import { dropPage, keepPage } from "../lib/offline.js";
import { Clock, Ending } from "./clock.js";
import { Saving } from "./saving.js";
import { Store } from "./store.js";
import { isComplete, showItem } from "./widgets.js";

const root = $("exam");
/** @type {string} */
const attempt = root.dataset.attempt;
const path = `/api/v1/attempts/${attempt}`;
// Large print that was granted for this exam, whatever this phone is set to.
if (root.dataset.large) document.documentElement.classList.add("large");
/** @type {Record<string, string>} */
const WORDS = { single: "单选题", multiple: "多选题", true_false: "判断题", fill: "填空题", order: "排序题", match: "配对题", short_answer: "简答题" };
/** @type {Record<string, string>} */
const HINTS = { multiple: " · 可选多项", order: " · 按先后一项一项点", match: " · 先点上面的，再点下面的" };
// How often the server is asked for the deadline while the page is shown.
const ASK_EVERY = 10000;

/** @type {any[]} */
let items = [];
let flags = new Set(), current = 0, ticket = "", kept = true;
const announced = new Set();
const store = new Store(attempt), clock = new Clock();

/** @param {any} data */
const learn = (data) => clock.learn(data.server_time, data.deadline);

const saving = new Saving((body) => call("PUT", `${path}/answers`, body), {
  changed: say,
  told: learn,
  failed: (error) => {
    if (error.data?.taken_over) stepBack();
    else if (error.kind === "conflict") finish();
    else if (error.kind === "signed_out") tell("登录已过期。请另开页面登录，再回到这里刷新，答案都还在手机里。");
    else if (error.kind === "refused" || error.kind === "broken") tell(error.message);
  },
});

const ending = new Ending(clock, {
  ask,
  notice: (left) => { $("time-up").hidden = false; $("time-left").textContent = `${left} 秒后自动交卷。答案都会一起交上去。`; },
  withdraw: () => { $("time-up").hidden = true; announced.clear(); },
  unreachable: () => tell("时间到了，现在连不上服务器。存上的答案由服务器按时交卷，不用您做什么；有网后这里会自动交。"),
  handIn: () => { $("time-up").hidden = true; handIn(); },
});

async function ask() {
  const data = await call("GET", `${path}/clock`);
  learn(data);
  if (data.state !== "in_progress" && !saving.stopped) finish();
}

// --- what is said ------------------------------------------------------------------------------
function say() {
  const waiting = saving.unsaved().length, stuck = saving.stuck();
  const place = $("saved");
  if (saving.stopped && !$("taken").hidden) place.textContent = "在另一部手机上";
  else if (!waiting) place.textContent = "✓ 已保存";
  else if (stuck.length === waiting) place.textContent = `第 ${numbers(stuck)} 题没有存上`;
  else if (!kept) place.textContent = "手机存不下了，请连上网";
  else if (navigator.onLine && saving.failures < 2) place.textContent = "正在保存…";
  else place.textContent = `离线，已记下 ${waiting} 题`;
  if (items.length) $("place").textContent = `第 ${current + 1}/${items.length} 题`;
}

/** @param {string[]} slots */
const numbers = (slots) => slots.map((slot) => items.findIndex((i) => i.slot === slot) + 1).join("、");

/** @param {string} text */
function tell(text) {
  const note = $("message");
  note.textContent = text;
  note.hidden = !text;
  if (text) note.scrollIntoView({ block: "center" });
}

// What is not saved when the page is closed goes out without waiting for an answer.
function leave() {
  const body = saving.last();
  if (ticket && body) navigator.sendBeacon(`${path}/beacon`, JSON.stringify({ ...body, ticket }));
}

// Another phone goes on with this exam: nothing more is taken here until the examinee takes it back.
function stepBack() {
  saving.stopped = true;
  $("taken").hidden = false;
  for (const name of ["question", "sheet", "exam-bottom", "time-up"]) $(name).hidden = true;
  say();
  $("taken-title").focus();
}

/**
 * @param {string} slot
 * @param {any} response
 */
async function answer(slot, response) {
  const own = saving.answer(slot, response, seconds(slot));
  say();
  kept = await store.put(slot, own);
  if (!kept && own.seq > own.saved) say();
}

// --- how long each question is on the screen, while the page is seen ---------------------------
/** @type {Record<string, number>} */
const spent = {};
/** @type {string | null} */
let watched = null;
let since = 0;

/** @param {string | null} slot */
function watch(slot) {
  if (watched !== null) spent[watched] = (spent[watched] || 0) + performance.now() - since;
  watched = slot;
  since = performance.now();
}

/** @param {string} slot */
function seconds(slot) {
  if (slot === watched) watch(slot);
  return Math.min(Math.round((spent[slot] || 0) / 1000), 86400);
}

// --- showing ---------------------------------------------------------------------------------
/** @param {any} item */
const isAnswered = (item) => isComplete(item, saving.answers[item.slot]?.response);
const missing = () => items.filter((i) => !isAnswered(i)).length;

/** @param {number} index */
function show(index) {
  current = Math.max(0, Math.min(index, items.length - 1));
  const item = items[current];
  $("kind").textContent = `${WORDS[item.type] || "题"} · ${item.points} 分${HINTS[item.type] || ""}`;
  $("case").hidden = !item.text;
  $("case").textContent = item.text || "";
  $("stem").replaceChildren(...withStrong(item.stem));
  showItem(item, saving.answers[item.slot]?.response, $("options"), (response) => answer(item.slot, response));
  $("flag").textContent = flags.has(item.slot) ? "★ 已标记，取消" : "☆ 标记，回头再看";
  $("previous").disabled = current === 0;
  $("next").textContent = current === items.length - 1 ? "看答题卡" : "下一题";
  location.replace(`#${current + 1}`);
  say();
}

/** @param {"question" | "sheet"} name */
function page(name) {
  $("question").hidden = name !== "question";
  $("sheet").hidden = name !== "sheet";
  $("exam-bottom").hidden = name !== "question";
  watch(name === "question" ? items[current].slot : null);
  window.scrollTo(0, 0);
  (name === "sheet" ? $("sheet-title") : $("stem")).focus({ preventScroll: true });
}

function sheet() {
  $("map").replaceChildren(...items.map((item, index) => {
    const done = isAnswered(item), flagged = flags.has(item.slot);
    const word = (done ? "✓ 已答" : "未答") + (flagged ? "★" : "");
    const button = element("button", { type: "button", className: (done ? "answered " : "") + (flagged ? "flagged" : "") }, String(index + 1), element("small", { textContent: word }));
    button.setAttribute("aria-label", `第 ${index + 1} 题，${done ? "已答" : "未答"}${flagged ? "，已标记" : ""}`);
    button.addEventListener("click", () => { show(index); page("question"); });
    return element("li", {}, button);
  }));
  const left = missing();
  $("missing").textContent = left ? `还有 ${left} 题没有答。没答的题不得分。` : "全部答完了，可以交卷。";
  $("missing").className = left ? "note wait" : "note good";
  $("submit").textContent = left ? `还差 ${left} 题，仍要交卷` : "交卷";
  page("sheet");
}

// --- handing in --------------------------------------------------------------------------------
function submit() {
  const button = $("submit"), left = missing();
  if (left && button.dataset.sure !== "1") {
    button.dataset.sure = "1";
    button.textContent = `再点一次确认：${left} 题不答就交卷`;
    return;
  }
  handIn(button.dataset.without === "1");
}

/** @param {boolean} without whether the answers that the server refused may stay behind */
async function handIn(without = true) {
  const button = $("submit");
  if (button.disabled) return;
  button.disabled = true;
  tell("正在交卷…");
  try {
    if (!(await saving.flush())) {
      if (saving.stopped) return;
      throw new ApiError("没有存上");
    }
    const stuck = saving.stuck();
    if (stuck.length && !without) {
      button.dataset.without = "1";
      button.disabled = false;
      return tell(`第 ${numbers(stuck)} 题没有存上：${saving.refused[stuck[0]].reason}。请改一下这题；不改就再点一次“交卷”，按改之前的算。`);
    }
    await call("POST", `${path}/submit`, { expected: saving.expected() });
    await store.clear();
    finish();
  } catch (/** @type {any} */ error) {
    button.disabled = false;
    ending.again();
    if (saving.stopped) return;
    if (error.kind === "conflict" && !error.data.missing) return finish();
    tell(error.status ? error.message : "没有网络，还没交上。答案都记在手机里，有网后再点一次“交卷”。");
    saving.send();
  }
}

async function finish() {
  saving.stopped = true;
  clearInterval(ticking);
  if (!saving.unsaved().length) await Promise.all([store.clear(), dropPage()]);
  location.href = root.dataset.result;
}

// --- the clock ---------------------------------------------------------------------------------
function tick() {
  if (saving.stopped) return;
  const left = clock.left();
  $("clock").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  $("clock").classList.toggle("soon", left <= 180);
  for (const minutes of [10, 3]) {
    if (left <= minutes * 60 && left > minutes * 60 - 30 && !announced.has(minutes)) {
      announced.add(minutes);
      $("announce").textContent = `还剩 ${minutes} 分钟`;
    }
  }
  if (!document.hidden && navigator.onLine && clock.age() >= ASK_EVERY && !asking) {
    asking = true;
    ask().catch(() => {}).finally(() => setTimeout(() => { asking = false; }, ASK_EVERY / 2));
  }
  ending.check();
}
let asking = false;
/** @type {any} */
let ticking;

async function begin() {
  await store.open();
  let offline = false;
  const data = await call("POST", `/api/v1/exams/${root.dataset.exam}/attempts`).catch(async (error) => {
    if (error.kind === "conflict") { finish(); return null; }
    // Without a network the exam goes on with what this phone has kept of it.
    const paper = error.status ? null : await store.paper();
    if (!paper) tell(error.status ? error.message : "没有网络，试题还没有取到。请连上网后刷新。");
    offline = Boolean(paper);
    return paper;
  });
  if (!data) return;
  if (String(data.attempt_id) !== attempt) { location.replace(`/exams/attempts/${data.attempt_id}`); return; }
  items = data.paper.items;
  ticket = data.ticket;
  saving.stopped = false;
  $("taken").hidden = true;
  // What the phone's own clock says is a guess here; nothing is handed in on its word.
  if (offline) clock.learn(new Date(Date.now() + data.skew).toISOString(), data.deadline);
  else { learn(data); store.keepPaper(data, Date.parse(data.server_time) - Date.now()); keepPage(); }
  const { answers } = saving;
  for (const [slot, a] of /** @type {[string, any][]} */ (Object.entries(data.answers))) answers[slot] = { response: a.response, seq: a.seq, saved: a.seq, seconds: data.seconds?.[slot] };
  for (const own of await store.answers()) {
    const known = answers[own.slot];
    if (items.some((i) => i.slot === own.slot) && (!known || own.seq > known.seq)) answers[own.slot] = { response: own.response, seq: own.seq, saved: known ? known.saved : 0, seconds: own.seconds };
  }
  for (const [slot, a] of Object.entries(answers)) spent[slot] = Math.max(spent[slot] || 0, 1000 * (a.seconds || 0));
  flags = store.flags();
  $("loading").hidden = true;
  const first = items.findIndex((i) => !isAnswered(i));
  show(/^#\d+$/.test(location.hash) ? Number(location.hash.slice(1)) - 1 : Math.max(first, 0));
  page("question");
  tick();
  ticking ??= setInterval(tick, 1000);
  saving.send();
}

$("previous").addEventListener("click", () => { show(current - 1); page("question"); });
$("next").addEventListener("click", () => { if (current === items.length - 1) sheet(); else { show(current + 1); page("question"); } });
$("card").addEventListener("click", sheet);
$("back").addEventListener("click", () => page("question"));
$("submit").addEventListener("click", submit);
$("hand-in-now").addEventListener("click", () => handIn());
$("flag").addEventListener("click", () => {
  const { slot } = items[current];
  if (!flags.delete(slot)) flags.add(slot);
  store.keepFlags(flags);
  show(current);
});
window.addEventListener("online", () => { saving.failures = 0; saving.send(); });
window.addEventListener("offline", say);
document.addEventListener("visibilitychange", () => {
  if (saving.stopped || !items.length) return;
  watch(document.hidden || $("question").hidden ? null : items[current].slot);
  if (!document.hidden) {
    // A phone that slept may have stopped its clock.
    ask().catch(() => {});
    saving.send();
    return;
  }
  saving.left += 1;
  store.keepLeft(saving.left);
  leave();
});
window.addEventListener("pagehide", leave);
$("take-back").addEventListener("click", begin);
saving.left = saving.leftSaved = store.left();
begin();
