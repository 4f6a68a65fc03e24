// Logging a visit: three taps when all is well, kept on the phone and sent when there is a network.
"use strict";
(() => {
  const root = document.getElementById("work");
  const token = document.querySelector("meta[name=csrf-token]").content;
  const $ = (id) => document.getElementById(id);
  const KEPT = `visits-${root.dataset.person}`, WAITING = `visits-waiting-${root.dataset.person}`;
  let data = null, current = null, memory = [], sending = false, failures = 0, timer;

  const read = (name, other) => { try { return JSON.parse(localStorage.getItem(name)) ?? other; } catch { return other; } };
  const write = (name, value) => { try { localStorage.setItem(name, JSON.stringify(value)); } catch { /* for this page only */ } };
  const waiting = () => read(WAITING, memory);
  const wait = (rows) => { memory = rows; write(WAITING, rows); };
  const element = (tag, attributes = {}, ...children) => { const node = Object.assign(document.createElement(tag), attributes); node.append(...children); return node; };
  const say = () => { const left = waiting().length; $("saved").textContent = left ? (navigator.onLine ? "正在保存…" : `离线，已记下 ${left} 条`) : "✓ 已保存"; };
  const tell = (text) => { $("message").textContent = text; $("message").hidden = !text; };

  async function call(path, body) {
    const response = await fetch(path, {
      method: body ? "POST" : "GET", credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token }, body: body && JSON.stringify(body),
    });
    if (!response.ok || response.redirected) throw Object.assign(new Error(), { status: response.status });
    return response.json();
  }

  async function send() {
    const rows = waiting();
    if (sending || !rows.length) return say();
    sending = true;
    clearTimeout(timer);
    say();
    try {
      const part = rows.slice(0, 100);
      const answer = await call("/visits/sync", { visits: part });
      const gone = new Set([...answer.taken, ...Object.keys(answer.refused)]);
      wait(waiting().filter((r) => !gone.has(r.key)));
      const faults = Object.entries(answer.refused);
      failures = 0;
      if (faults.length) tell(faults.map(([key, why]) => `${part.find((r) => r.key === key)?.code}：${why}`).join("；"));
    } catch (error) {
      if (error.status === 401 || error.status === 400) tell("登录过期了。记下的走访都在手机里，重新登录后会自动保存。");
      else timer = setTimeout(send, Math.min(1000 * 2 ** failures++, 30000));
    } finally { sending = false; }
    say();
  }

  function list() {
    $("form").hidden = true;
    $("list").hidden = false;
    const logged = new Set(waiting().map((r) => r.case));
    const due = data.due.map((d) => (logged.has(d.case) ? { ...d, state: "done", word: "✓ 刚记下" } : d));
    const left = due.filter((d) => ["overdue", "due", "contact"].includes(d.state)).length;
    $("summary").textContent = due.length ? `还有 ${left} 个要走` : "";
    if (!due.length) tell("名单还是空的。先到“走访对象”里按代号加上。");
    $("due").replaceChildren(...due.map((d) => {
      const button = element("button", { type: "button", className: "line-button" },
        element("span", { className: "grow" }, element("strong", { textContent: d.code }), element("br"), element("span", { className: "quiet", textContent: d.categories.join(";") }), element("br"), element("span", { className: "quiet", textContent: `${d.text}${d.last ? `,上次 ${d.last}` : ""}` })),
        element("span", { className: `mark ${{ overdue: "bad", due: "wait", contact: "wait" }[d.state] || "good"}`, textContent: d.word }));
      button.addEventListener("click", () => open(d));
      return element("li", {}, button);
    }));
    say();
  }

  function open(entry) {
    current = entry;
    $("list").hidden = true;
    $("form").hidden = false;
    $("who").textContent = `走访 ${entry.code}`;
    $("why").textContent = `${entry.categories.join("；")} · ${entry.text}`;
    $("forms").replaceChildren(...data.forms.map(([value, text], n) => {
      const input = element("input", { type: "radio", name: "form", value, checked: n === 0 });
      return element("label", { className: "tick" }, input, text);
    }));
    const today = new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);
    Object.assign($("on"), { value: today, max: today });
    $("next").value = "";
    $("reported").checked = false;
    $("checks").replaceChildren(...data.checks.map(([check, answers]) => {
      const select = element("select", { name: check }, element("option", { value: "", textContent: "没有问题" }), ...answers.slice(1).map((a) => element("option", { value: a, textContent: label("answers", `${check}.${a}`, a) })));
      select.addEventListener("change", alarm);
      return element("label", { className: "spread" }, element("span", { textContent: label("checks", check) }), select);
    }));
    for (const id of ["needs", "measures"])
      $(id).replaceChildren(...data[id].map((key) => element("label", { className: "tick" }, element("input", { type: "checkbox", value: key }), label(id, key))));
    alarm();
    window.scrollTo(0, 0);
    $("who").focus({ preventScroll: true });
  }

  // What an earlier version left in this phone holds labels where keys are now.
  function label(kind, key, otherwise = key) {
    return data.labels?.[kind]?.[key] ?? otherwise;
  }
  const findings = () => Object.fromEntries([...$("checks").querySelectorAll("select")].map((s) => [s.name, s.value || data.checks.find(([check]) => check === s.name)[1][0]]));
  function alarm() {
    const own = findings();
    $("alarm").hidden = !data.alarms.some(([check, answer]) => own[check] === answer);
  }
  const ticked = (id) => [...$(id).querySelectorAll("input:checked")].map((i) => i.value);

  function save() {
    const key = crypto.randomUUID ? crypto.randomUUID() : `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 14)}`;
    wait([...waiting(), {
      key, case: current.case, code: current.code, on: $("on").value, form: document.querySelector("[name=form]:checked").value,
      findings: findings(), needs: ticked("needs"), measures: ticked("measures"), next: $("next").value || null, reported: $("reported").checked,
    }]);
    tell("");
    list();
    send().then(refresh);
  }

  async function refresh() {
    try {
      data = await call("/visits/data.json");
      write(KEPT, data);
      list();
      keepPage();
    } catch (error) {
      if (error.status === 401) return tell("登录过期了，请重新登录。");
      data ||= read(KEPT, null);
      if (data) list(); else tell("没有网络，手机里也没有存下名单。连上网再打开一次。");
    }
  }

  async function keepPage() {
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    try {
      await navigator.serviceWorker.register("/visits/sw.js");
      const kept = await caches.open("exam");
      const files = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((node) => node.href || node.src);
      await kept.addAll([location.pathname, ...files]);
    } catch { /* this browser can't: what was logged is kept all the same */ }
  }

  $("save").addEventListener("click", save);
  $("cancel").addEventListener("click", list);
  window.addEventListener("online", () => { failures = 0; send().then(refresh); });
  window.addEventListener("offline", say);
  send().then(refresh);
})();
