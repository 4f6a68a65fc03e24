// The exam on a phone: every answer goes to IndexedDB first, then in batches to the server.
"use strict";
const root = document.getElementById("exam");
const attempt = root.dataset.attempt;
// Large print that was granted for this exam, whatever this phone is set to.
if (root.dataset.large) document.documentElement.classList.add("large");
const token = document.querySelector("meta[name=csrf-token]").content;
const $ = (id) => document.getElementById(id);
const WORDS = { single: "单选题", multiple: "多选题", true_false: "判断题", fill: "填空题", order: "排序题", match: "配对题", short_answer: "简答题" };
const HINTS = { multiple: " · 可选多项", order: " · 按先后一项一项点", match: " · 先点上面的，再点下面的" };

let items = [], answers = {}, flags = new Set(), current = 0, skew = 0, deadline = 0;
let sending = false, retry = 0, closed = false, announced = new Set(), timer;
let ticket = "", left = 0, leftSaved = 0, takenOver = false;

// --- what this phone keeps -------------------------------------------------------------------
const store = {
  db: null,
  open() {
    return new Promise((resolve) => {
      const request = indexedDB.open("academy-exam", 2);
      request.onupgradeneeded = (event) => {
        if (event.oldVersion < 1) request.result.createObjectStore("answers", { keyPath: ["attempt", "slot"] });
        request.result.createObjectStore("papers", { keyPath: "attempt" });
      };
      request.onsuccess = () => { store.db = request.result; resolve(); };
      request.onerror = () => resolve();
    });
  },
  all() {
    return new Promise((resolve) => {
      if (!store.db) return resolve([]);
      const range = IDBKeyRange.bound([attempt, ""], [attempt, "\uffff"]);
      const request = store.db.transaction("answers").objectStore("answers").getAll(range);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve([]);
    });
  },
  put(slot, answer) {
    if (!store.db) return;
    store.db.transaction("answers", "readwrite").objectStore("answers").put({ attempt, slot, response: answer.response, seq: answer.seq, seconds: answer.seconds });
  },
  paper() {
    return new Promise((resolve) => {
      if (!store.db) return resolve(null);
      const request = store.db.transaction("papers").objectStore("papers").get(attempt);
      request.onsuccess = () => resolve(request.result || null);
      request.onerror = () => resolve(null);
    });
  },
  keepPaper(data) {
    if (store.db) store.db.transaction("papers", "readwrite").objectStore("papers").put({ ...data, attempt, skew });
  },
  clear() {
    if ("caches" in window) caches.open("exam").then((kept) => kept.delete(location.pathname)).catch(() => {});
    if (!store.db) return;
    store.db.transaction("papers", "readwrite").objectStore("papers").delete(attempt);
    const range = IDBKeyRange.bound([attempt, ""], [attempt, "\uffff"]);
    store.db.transaction("answers", "readwrite").objectStore("answers").delete(range);
  },
};

async function call(method, path, body) {
  const response = await fetch(path, {
    method, credentials: "same-origin", headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(data.detail || "连不上服务器"), { status: response.status, data });
  return data;
}

function clockFrom(data) {
  skew = Date.parse(data.server_time) - Date.now();
  deadline = Date.parse(data.deadline);
}

// --- saving ----------------------------------------------------------------------------------
const unsaved = () => Object.entries(answers).filter(([, a]) => a.seq > a.saved);

function say() {
  const waiting = unsaved().length;
  const place = $("saved");
  if (!waiting) place.textContent = "✓ 已保存";
  else if (navigator.onLine && retry < 2) place.textContent = "正在保存…";
  else place.textContent = `离线，已记下 ${waiting} 题`;
  $("place").textContent = `第 ${current + 1}/${items.length} 题`;
}

const body = (batch) => ({ answers: batch.map(([slot, a]) => ({ slot, response: a.response, seq: a.seq, seconds: a.seconds })), left });

async function send() {
  clearTimeout(timer);
  const batch = unsaved().slice(0, 100), told = left;
  if (sending || closed || takenOver || (!batch.length && told === leftSaved)) return say();
  sending = true;
  say();
  try {
    const data = await call("PUT", `/api/v1/attempts/${attempt}/answers`, body(batch));
    leftSaved = told;
    for (const [slot, seq] of Object.entries(data.saved)) if (answers[slot]) answers[slot].saved = Math.max(answers[slot].saved, seq);
    clockFrom(data);
    retry = 0;
  } catch (error) {
    retry += 1;
    if (error.data?.taken_over) return stepBack();
    if (error.status === 409) return finish();
    if (error.status === 401 || error.status === 400) tell("登录已过期。请另开页面登录，再回到这里刷新，答案都还在手机里。");
    if (error.status === 422) tell(error.message);
  } finally {
    sending = false;
  }
  say();
  if (unsaved().length) timer = setTimeout(send, Math.min(1000 * 2 ** retry, 30000) * (0.75 + Math.random() / 2));
}

// What is not saved when the page is closed goes out without waiting for an answer.
function leave() {
  const batch = unsaved().slice(0, 100);
  if (closed || takenOver || !ticket || (!batch.length && left === leftSaved)) return;
  navigator.sendBeacon(`/api/v1/attempts/${attempt}/beacon`, JSON.stringify({ ...body(batch), ticket }));
}

// Another phone goes on with this exam: nothing more is taken here until the examinee takes it back.
function stepBack() {
  takenOver = true;
  sending = false;
  $("taken").hidden = false;
  for (const name of ["question", "sheet", "exam-bottom"]) $(name).hidden = true;
  $("saved").textContent = "在另一部手机上";
  $("taken-title").focus();
}

function answer(slot, response) {
  const before = answers[slot] || { seq: 0, saved: 0 };
  answers[slot] = { response, seq: before.seq + 1, saved: before.saved, seconds: seconds(slot) };
  store.put(slot, answers[slot]);
  say();
  clearTimeout(timer);
  timer = setTimeout(send, 300);
}

// --- how long each question is on the screen, while the page is seen ---------------------------
const spent = {};
let watched = null, since = 0;

function watch(slot) {
  if (watched !== null) spent[watched] = (spent[watched] || 0) + performance.now() - since;
  watched = slot;
  since = performance.now();
}

function seconds(slot) {
  if (slot === watched) watch(slot);
  return Math.min(Math.round((spent[slot] || 0) / 1000), 86400);
}

// --- showing ---------------------------------------------------------------------------------
const element = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};
const isAnswered = (slot) => {
  const r = answers[slot]?.response;
  if (r === undefined || r === null) return false;
  const item = items.find((i) => i.slot === slot);
  if (item.type === "fill") return r.every((text) => text.trim());
  if (item.type === "match") return Object.keys(r).length === Object.keys(item.left).length;
  return !(Array.isArray(r) && !r.length);
};

function show(index) {
  current = Math.max(0, Math.min(index, items.length - 1));
  const item = items[current];
  const own = answers[item.slot]?.response;
  $("kind").textContent = `${WORDS[item.type] || "题"} · ${item.points} 分${HINTS[item.type] || ""}`;
  $("case").hidden = !item.text;
  $("case").textContent = item.text || "";
  $("stem").replaceChildren(...item.stem.split("**").map((part, n) => n % 2 ? element("strong", { className: "not", textContent: part }) : part));
  const box = $("options");
  box.replaceChildren();
  (SHOWN[item.type] || showChoices)(item, own, box);
  $("flag").textContent = flags.has(item.slot) ? "★ 已标记，取消" : "☆ 标记，回头再看";
  $("previous").disabled = current === 0;
  $("next").textContent = current === items.length - 1 ? "看答题卡" : "下一题";
  location.replace(`#${current + 1}`);
  say();
}

function showChoices(item, own, box) {
  const choices = item.type === "true_false" ? [["true", "对"], ["false", "错"]] : shownOptions(item);
  const many = item.type === "multiple";
  for (const [n, [label, text]] of choices.entries()) {
    const input = element("input", { type: many ? "checkbox" : "radio", name: "choice", value: label });
    input.checked = many ? (own || []).includes(label) : String(own) === label && own !== null && own !== undefined;
    input.addEventListener("change", () => choose(item));
    const lead = item.type === "true_false" ? "" : `${String.fromCharCode(65 + n)}. `;
    box.append(element("label", { className: "option" }, input, element("span", { textContent: lead + text }), element("span", { className: "said", textContent: "✓ 已选" })));
  }
}

// Labels stay those of the question; only the order in which they are shown is this paper's own.
const shownOptions = (item) => item.order.map((label) => [label, item.options[label]]);
const SHOWN = { fill: showBlanks, order: showOrder, match: showMatch, short_answer: showText };
// An order under way is no answer yet; it is kept here until every option has its place.
const places = {};

function showBlanks(item, own, box) {
  for (let n = 0; n < item.blanks; n += 1) {
    const input = element("input", { type: "text", maxLength: 200, autocomplete: "off", value: own?.[n] || "", id: `blank-${n}` });
    input.addEventListener("input", () => {
      const texts = [...box.querySelectorAll("input")].map((i) => i.value);
      answer(item.slot, texts.some((t) => t.trim()) ? texts : null);
    });
    box.append(element("div", { className: "field" }, element("label", { htmlFor: `blank-${n}`, textContent: `第 ${n + 1} 空` }), input));
  }
}

function showOrder(item, own, box) {
  if (own) places[item.slot] = [...own];
  const placed = (places[item.slot] ||= []);
  const list = element("div", { className: "arranging" });
  const draw = () => {
    list.replaceChildren(...item.order.map((label) => {
      const at = placed.indexOf(label);
      const button = element("button", { type: "button", className: `option arrange${at < 0 ? "" : " chosen"}` },
        element("span", { className: "step num", textContent: at < 0 ? "·" : String(at + 1) }), element("span", { textContent: item.options[label] }));
      button.dataset.label = label;
      button.setAttribute("aria-label", at < 0 ? `${item.options[label]}，还没排` : `第 ${at + 1} 步：${item.options[label]}，再点一下取消`);
      button.addEventListener("click", () => {
        if (at < 0) placed.push(label); else placed.splice(at, 1);
        const complete = placed.length === item.order.length;
        if (complete || answers[item.slot]?.response) answer(item.slot, complete ? [...placed] : null);
        draw();
        list.querySelector(`[data-label="${label}"]`).focus();
      });
      return button;
    }));
  };
  draw();
  const again = element("button", { type: "button", className: "plain-button", textContent: "重新排" });
  again.addEventListener("click", () => { placed.length = 0; if (answers[item.slot]?.response) answer(item.slot, null); draw(); });
  box.append(list, again);
}

function showMatch(item, own, box) {
  const pairs = { ...(own || {}) };
  let open = Object.keys(item.left).find((label) => !pairs[label]) || null;
  const lefts = element("div", { className: "arranging" }), rights = element("div", { className: "arranging rights" });
  const draw = () => {
    lefts.replaceChildren(...Object.entries(item.left).map(([label, text]) => {
      const right = pairs[label] ? item.options[pairs[label]] : "";
      const button = element("button", { type: "button", className: `option arrange${label === open ? " open" : ""}${right ? " chosen" : ""}` },
        element("span", { textContent: text }), element("span", { className: "paired", textContent: right ? `→ ${right}` : "→ 请选" }));
      button.dataset.label = label;
      button.setAttribute("aria-pressed", String(label === open));
      button.addEventListener("click", () => { open = label; draw(); lefts.querySelector(`[data-label="${label}"]`).focus(); });
      return button;
    }));
    rights.replaceChildren(element("p", { className: "quiet", textContent: open ? `给 ${item.left[open]} 选一个：` : "都配好了，要改就点上面的" }), ...shownOptions(item).map(([number, text]) => {
      const button = element("button", { type: "button", className: "option arrange", textContent: text, disabled: !open });
      button.dataset.right = number;
      button.addEventListener("click", () => {
        pairs[open] = Number(number);
        answer(item.slot, { ...pairs });
        open = Object.keys(item.left).find((label) => !pairs[label]) || null;
        draw();
        (open ? lefts.querySelector(`[data-label="${open}"]`) : lefts.firstChild).focus();
      });
      return button;
    }));
  };
  draw();
  box.append(lefts, rights);
}

function showText(item, own, box) {
  const area = element("textarea", { rows: 6, maxLength: 5000, value: own || "" });
  area.setAttribute("aria-labelledby", "stem");
  area.addEventListener("input", () => answer(item.slot, area.value.trim() ? area.value : null));
  box.append(area);
}

function choose(item) {
  const chosen = [...document.querySelectorAll("#options input:checked")].map((i) => i.value);
  if (item.type === "multiple") answer(item.slot, chosen.length ? chosen : null);
  else answer(item.slot, item.type === "true_false" ? chosen[0] === "true" : chosen[0]);
}

function page(name) {
  $("question").hidden = name !== "question";
  $("sheet").hidden = name !== "sheet";
  $("exam-bottom").hidden = name !== "question";
  watch(name === "question" ? items[current].slot : null);
  window.scrollTo(0, 0);
  (name === "sheet" ? $("sheet-title") : $("stem")).focus({ preventScroll: true });
}

function sheet() {
  const list = $("map");
  list.replaceChildren();
  items.forEach((item, index) => {
    const done = isAnswered(item.slot), flagged = flags.has(item.slot);
    const word = (done ? "✓ 已答" : "未答") + (flagged ? "★" : "");
    const button = element("button", { type: "button", className: (done ? "answered " : "") + (flagged ? "flagged" : "") }, String(index + 1), element("small", { textContent: word }));
    button.setAttribute("aria-label", `第 ${index + 1} 题，${done ? "已答" : "未答"}${flagged ? "，已标记" : ""}`);
    button.addEventListener("click", () => { show(index); page("question"); });
    list.append(element("li", {}, button));
  });
  const missing = items.filter((i) => !isAnswered(i.slot)).length;
  $("missing").textContent = missing ? `还有 ${missing} 题没有答。没答的题不得分。` : "全部答完了，可以交卷。";
  $("missing").className = missing ? "note wait" : "note good";
  $("submit").textContent = missing ? `还差 ${missing} 题，仍要交卷` : "交卷";
  page("sheet");
}

function tell(text) {
  const note = $("message");
  note.textContent = text;
  note.hidden = !text;
  if (text) note.scrollIntoView({ block: "center" });
}

async function submit() {
  const missing = items.filter((i) => !isAnswered(i.slot)).length;
  if (missing && $("submit").dataset.sure !== "1") {
    $("submit").dataset.sure = "1";
    $("submit").textContent = `再点一次确认：${missing} 题不答就交卷`;
    return;
  }
  $("submit").disabled = true;
  tell("正在交卷…");
  await send();
  try {
    const expected = Object.fromEntries(Object.entries(answers).map(([slot, a]) => [slot, a.seq]));
    await call("POST", `/api/v1/attempts/${attempt}/submit`, { expected });
    store.clear();
    localStorage.removeItem(`flags-${attempt}`);
    finish();
  } catch (error) {
    $("submit").disabled = false;
    if (error.status === 409 && !error.data.missing) return finish();
    tell(error.status ? error.message : "没有网络，还没交上。答案都记在手机里，有网后再点一次“交卷”。");
    send();
  }
}

function finish() {
  closed = true;
  if (!unsaved().length) store.clear();
  location.href = root.dataset.result;
}

function tick() {
  if (closed) return;
  const left = Math.max(0, Math.round((deadline - Date.now() - skew) / 1000));
  const clock = $("clock");
  clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  clock.classList.toggle("soon", left <= 180);
  for (const minutes of [10, 3]) {
    if (left <= minutes * 60 && left > minutes * 60 - 30 && !announced.has(minutes)) {
      announced.add(minutes);
      $("announce").textContent = `还剩 ${minutes} 分钟`;
    }
  }
  if (left === 0 && !$("submit").disabled) { $("submit").dataset.sure = "1"; submit(); }
}

async function begin() {
  await store.open();
  let offline = false;
  const data = await call("POST", `/api/v1/exams/${root.dataset.exam}/attempts`).catch(async (error) => {
    if (error.status === 409) finish();
    // Without a network the exam goes on with what this phone has kept of it.
    const kept = error.status ? null : await store.paper();
    if (!kept) tell(error.status ? error.message : "没有网络，试题还没有取到。请连上网后刷新。");
    offline = Boolean(kept);
    return kept;
  });
  if (!data) return;
  if (String(data.attempt_id) !== attempt) { location.replace(`/exams/attempts/${data.attempt_id}`); return; }
  items = data.paper.items;
  ticket = data.ticket;
  takenOver = false;
  $("taken").hidden = true;
  if (offline) { skew = data.skew; deadline = Date.parse(data.deadline); }
  else { clockFrom(data); store.keepPaper(data); keepPage(); }
  for (const [slot, a] of Object.entries(data.answers)) answers[slot] = { response: a.response, seq: a.seq, saved: a.seq, seconds: data.seconds?.[slot] };
  for (const kept of await store.all()) {
    const known = answers[kept.slot];
    if (items.some((i) => i.slot === kept.slot) && (!known || kept.seq > known.seq)) answers[kept.slot] = { response: kept.response, seq: kept.seq, saved: known ? known.saved : 0, seconds: kept.seconds };
  }
  for (const [slot, a] of Object.entries(answers)) spent[slot] = Math.max(spent[slot] || 0, 1000 * (a.seconds || 0));
  try { flags = new Set(JSON.parse(localStorage.getItem(`flags-${attempt}`) || "[]")); } catch { /* none kept */ }
  $("loading").hidden = true;
  const first = items.findIndex((i) => !isAnswered(i.slot));
  show(/^#\d+$/.test(location.hash) ? Number(location.hash.slice(1)) - 1 : Math.max(first, 0));
  page("question");
  tick();
  ticking ||= setInterval(tick, 1000);
  send();
}
let ticking = null;

// So that a page that was killed opens again without a network.
async function keepPage() {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;
  try {
    await navigator.serviceWorker.register("/exams/sw.js");
    const kept = await caches.open("exam");
    if (await kept.match(location.pathname, { ignoreVary: true })) return;
    const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((node) => node.href || node.src);
    await kept.addAll([location.pathname, ...files]);
  } catch { /* this browser can't: the answers are kept all the same */ }
}

$("previous").addEventListener("click", () => { show(current - 1); page("question"); });
$("next").addEventListener("click", () => { if (current === items.length - 1) sheet(); else { show(current + 1); page("question"); } });
$("card").addEventListener("click", sheet);
$("back").addEventListener("click", () => page("question"));
$("submit").addEventListener("click", submit);
$("flag").addEventListener("click", () => {
  const slot = items[current].slot;
  if (!flags.delete(slot)) flags.add(slot);
  try { localStorage.setItem(`flags-${attempt}`, JSON.stringify([...flags])); } catch { /* kept for this page only */ }
  show(current);
});
window.addEventListener("online", () => { retry = 0; send(); });
window.addEventListener("offline", say);
document.addEventListener("visibilitychange", () => {
  if (closed) return;
  watch(document.hidden || $("question").hidden ? null : items[current].slot);
  if (!document.hidden) return send();
  left += 1;
  try { localStorage.setItem(`left-${attempt}`, String(left)); } catch { /* counted for this page only */ }
  leave();
});
window.addEventListener("pagehide", leave);
$("take-back").addEventListener("click", begin);
try { left = leftSaved = Number(localStorage.getItem(`left-${attempt}`) || 0); } catch { /* none kept */ }
begin();
