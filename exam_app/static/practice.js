// The daily practice: questions and answers are kept on the phone, so that it goes on without a network.
"use strict";
(() => {
  const root = document.getElementById("practice");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const $ = (id) => document.getElementById(id);
  const PERSON = root.dataset.person, COUNT = Number(root.dataset.count);
  const WORDS = { single: "单选题", multiple: "多选题", true_false: "判断题" };
  const KEPT = `practice-${PERSON}`, WAITING = `practice-answers-${PERSON}`;
  let items = [], round = [], at = 0, right = 0, sending = false, failures = 0, timer;

  const read = (name, other) => { try { return JSON.parse(localStorage.getItem(name)) ?? other; } catch { return other; } };
  const write = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* for this page only */ } };
  const waiting = () => read(WAITING, memory);
  let memory = [];
  const wait = (rows) => { memory = rows; write(WAITING, rows); };

  function say() {
    const left = waiting().length;
    $("saved").textContent = left ? (navigator.onLine ? "正在保存…" : `离线，已记下 ${left} 题`) : "✓ 已保存";
  }

  async function call(path, body) {
    const response = await fetch(path, {
      method: body ? "POST" : "GET", credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token, Accept: "application/json" }, body: body && JSON.stringify(body),
    });
    if (!response.ok || response.redirected) throw Object.assign(new Error(), { status: response.status });
    return response.json();
  }

  // What was answered without a network goes out in one piece; the server takes each answer once.
  async function send() {
    const rows = waiting();
    if (sending || !rows.length) return say();
    sending = true;
    clearTimeout(timer);
    say();
    try {
      const now = Date.now();
      const part = rows.slice(0, 100);
      const data = await call("/practice/answers", { answers: part.map((r) => ({ ...r, ago: Math.max(0, (now - r.at) / 1000) })) });
      const taken = new Set([...data.taken, ...part.map((r) => r.key)]);
      wait(waiting().filter((r) => !taken.has(r.key)));
      failures = 0;
    } catch (error) {
      if (error.status === 401 || error.status === 400) tell("登录过期了。答过的题都记在手机里，重新登录后会自动保存。");
      else timer = setTimeout(send, Math.min(1000 * 2 ** failures++, 30000));
    } finally { sending = false; }
    say();
  }

  function tell(text) { $("message").textContent = text; $("message").hidden = !text; }

  function start() {
    const answered = new Set(waiting().map((r) => r.item));
    items = items.filter((i) => !answered.has(i.id));
    round = items.slice(0, COUNT);
    at = right = 0;
    $("end").hidden = true;
    if (!round.length) return tell(navigator.onLine ? "现在没有要练的题，明天再来。" : "手机里的题都练完了，连上网再接着练。");
    show();
  }

  function show() {
    const item = round[at];
    $("ask").hidden = false;
    $("at").textContent = `第 ${at + 1}/${round.length} 题`;
    $("kind").textContent = `${WORDS[item.type]} · ${item.topic}${item.again ? " · 复习" : ""}${item.type === "multiple" ? " · 可选多项" : ""}`;
    $("stem").replaceChildren(...item.stem.split("**").map((part, n) => n % 2 ? Object.assign(document.createElement("strong"), { className: "not", textContent: part }) : part));
    $("options").replaceChildren(...item.options.map(([label, text]) => {
      const line = Object.assign(document.createElement("label"), { className: "option" });
      const input = Object.assign(document.createElement("input"), { type: item.type === "multiple" ? "checkbox" : "radio", name: "choice", value: label });
      input.addEventListener("change", () => { $("check").disabled = !chosen().length; });
      line.append(input, Object.assign(document.createElement("span"), { textContent: item.type === "true_false" ? text : `${label}. ${text}` }), Object.assign(document.createElement("span"), { className: "said", textContent: "✓ 已选" }));
      return line;
    }));
    $("unsure").checked = false;
    $("unsure-line").hidden = $("check").hidden = false;
    $("check").disabled = true;
    $("told").hidden = $("next").hidden = $("more").hidden = true;
    window.scrollTo(0, 0);
    $("stem").focus({ preventScroll: true });
  }

  const chosen = () => [...document.querySelectorAll("#options input:checked")].map((i) => i.value);

  function check() {
    const item = round[at], own = chosen();
    const good = own.length === item.key.length && item.key.every((k) => own.includes(k));
    right += good;
    for (const input of document.querySelectorAll("#options input")) {
      input.disabled = true;
      if (item.key.includes(input.value)) { input.closest("label").classList.add("key"); input.closest("label").querySelector(".said").textContent = "✓ 正确"; }
    }
    const response = item.type === "multiple" ? own : item.type === "true_false" ? own[0] === "true" : own[0];
    const key = crypto.randomUUID ? crypto.randomUUID() : `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 14)}`;
    wait([...waiting(), { key, item: item.id, response, unsure: $("unsure").checked, at: Date.now() }]);
    write(KEPT, { items: items.filter((i) => i.id !== item.id) });
    $("told").className = `note ${good ? "good" : "bad"}`;
    $("told").replaceChildren(Object.assign(document.createElement("strong"), { textContent: good ? "✓ 对了 " : "✗ 不对 " }), item.explanation);
    $("told").hidden = $("next").hidden = $("more").hidden = false;
    $("kb").href = item.kb;
    $("kb").textContent = `看知识库里怎么说（${item.source}）`;
    $("check").hidden = $("unsure-line").hidden = true;
    $("next").textContent = at + 1 < round.length ? "下一题" : "练完了，看结果";
    $("next").focus();
    send();
  }

  function next() {
    at += 1;
    if (at < round.length) return show();
    $("ask").hidden = true;
    $("end").hidden = false;
    $("at").textContent = "";
    $("end-title").textContent = `${round.length} 题答对 ${right} 题`;
    $("end-text").textContent = right === round.length ? "都对了。这些题过几天再出，看还记不记得。" : "答错的题明天还会出，直到记牢。";
    const seen = new Set(round.map((i) => i.id));
    items = items.filter((i) => !seen.has(i.id));
    $("end-title").focus();
  }

  async function fetchMore() {
    await send();
    try {
      const data = await call("/practice/pack.json");
      items = data.items;
      write(KEPT, { items });
      keepPage();
    } catch (error) {
      if (error.status === 401) return tell("登录过期了，请重新登录。");
      items = read(KEPT, { items: [] }).items;
      if (!items.length) return tell("没有网络，手机里也没有存下的题。连上网再打开一次。");
    }
    tell("");
    start();
  }

  // So that the page opens without a network.
  async function keepPage() {
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    try {
      await navigator.serviceWorker.register("/practice/sw.js");
      const kept = await caches.open("exam");
      const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((node) => node.href || node.src);
      await kept.addAll([location.pathname, ...files]);
    } catch { /* this browser can't: the answers are kept all the same */ }
  }

  $("check").addEventListener("click", check);
  $("next").addEventListener("click", next);
  $("again").addEventListener("click", () => (items.length < COUNT && navigator.onLine ? fetchMore() : start()));
  window.addEventListener("online", () => { failures = 0; send(); });
  window.addEventListener("offline", say);
  fetchMore();
})();
