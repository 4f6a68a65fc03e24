// @ts-check
// Logging a visit: three taps when all is well, kept on the phone and sent when there is a network.
import { call } from "./lib/api.js";
import { $, element, read, write } from "./lib/dom.js";
import { keepPage } from "./lib/offline.js";
import { learnTime, Outbox, serverNow } from "./lib/outbox.js";
import { sayWaiting, showRefused, tell } from "./lib/waiting.js";

/** @type {string} */
const PERSON = $("work").dataset.person;
const KEPT = `visits-${PERSON}`;
/** @type {any} */
let data = null;
/** The child that the form is about, and the refused visit that it mends. @type {any} */
let current = null;
/** @type {import("./lib/outbox.js").Row | null} */
let mending = null;

const outbox = new Outbox(PERSON, () => { if (data && $("form").hidden) list(); else say(); });

function say() {
  sayWaiting(outbox, "visit", "条");
  showRefused(outbox, "visit", mend);
  if (outbox.signedOut) tell("登录过期了。记下的走访都在手机里，重新登录后会自动保存。");
}

function list() {
  $("form").hidden = true;
  $("list").hidden = false;
  const logged = new Set(outbox.waiting("visit").map((r) => r.body.case));
  const due = /** @type {any[]} */ (data.due).map((d) => (logged.has(d.case) ? { ...d, state: "done", word: "✓ 刚记下" } : d));
  const left = due.filter((d) => ["overdue", "due", "contact"].includes(d.state)).length;
  $("summary").textContent = due.length ? `还有 ${left} 个要走` : "";
  if (!due.length) tell("名单还是空的。先到“走访对象”里按代号加上。");
  /** @type {Record<string, string>} */
  const signs = { overdue: "bad", due: "wait", contact: "wait" };
  $("due").replaceChildren(...due.map((d) => {
    const button = element("button", { type: "button", className: "line-button" },
      element("span", { className: "grow" }, element("strong", { textContent: d.code }), element("br"), element("span", { className: "quiet", textContent: d.categories.join("；") }), element("br"), element("span", { className: "quiet", textContent: `${d.text}${d.last ? `，上次 ${d.last}` : ""}` })),
      element("span", { className: `mark ${signs[d.state] || "good"}`, textContent: d.word }));
    button.addEventListener("click", () => open(d, null));
    return element("li", {}, button);
  }));
  say();
}

/** The day in China by the server's clock, as far as this phone knows it. */
const today = () => new Date(serverNow().getTime() + 8 * 3600e3).toISOString().slice(0, 10);

/**
 * @param {any} entry
 * @param {any} filled what the form shows, else a visit of today with nothing found
 */
function open(entry, filled) {
  current = entry;
  mending = null;
  $("list").hidden = true;
  $("form").hidden = false;
  $("who").textContent = `走访 ${entry.code}`;
  $("why").textContent = [entry.categories?.join("；"), entry.text].filter(Boolean).join(" · ");
  $("forms").replaceChildren(...data.forms.map((/** @type {[string, string]} */ [value, text], /** @type {number} */ n) => {
    const input = element("input", { type: "radio", name: "form", value, checked: filled ? filled.form === value : n === 0 });
    return element("label", { className: "tick" }, input, text);
  }));
  Object.assign($("on"), { value: filled?.on ?? today(), max: today() });
  $("next").value = filled?.next ?? "";
  $("reported").checked = filled?.reported ?? false;
  $("checks").replaceChildren(...data.checks.map((/** @type {[string, string[]]} */ [check, answers]) => {
    const select = element("select", { name: check }, element("option", { value: "", textContent: "没有问题" }), ...answers.slice(1).map((a) => element("option", { value: a, textContent: label("answers", `${check}.${a}`, a) })));
    const own = filled?.findings?.[check];
    if (own && own !== answers[0]) select.value = own;
    select.addEventListener("change", alarm);
    return element("label", { className: "spread" }, element("span", { textContent: label("checks", check) }), select);
  }));
  for (const id of ["needs", "measures"])
    $(id).replaceChildren(...data[id].map((/** @type {string} */ key) => element("label", { className: "tick" }, element("input", { type: "checkbox", value: key, checked: filled?.[id]?.includes(key) ?? false }), label(id, key))));
  alarm();
  window.scrollTo(0, 0);
  $("who").focus({ preventScroll: true });
}

/** @param {import("./lib/outbox.js").Row} row */
async function mend(row) {
  // Right after the page has opened, the list may still be on its way.
  if (!data) await refresh();
  const entry = data?.due.find((/** @type {any} */ d) => d.case === row.body.case);
  if (!data) return tell("没有名单，连上网再改。");
  open(entry ?? { case: row.body.case, code: row.label }, row.body);
  mending = row;
}

/**
 * What an earlier version left in this phone holds labels where keys are now.
 * @param {string} kind
 * @param {string} key
 */
function label(kind, key, otherwise = key) {
  return data.labels?.[kind]?.[key] ?? otherwise;
}

/** @returns {Record<string, string>} */
const findings = () => Object.fromEntries([...$("checks").querySelectorAll("select")].map((s) => [s.name, s.value || data.checks.find((/** @type {[string, string[]]} */ [check]) => check === s.name)[1][0]]));

function alarm() {
  const own = findings();
  $("alarm").hidden = !data.alarms.some((/** @type {[string, string]} */ [check, answer]) => own[check] === answer);
}

/** @param {string} id @returns {string[]} */
const ticked = (id) => [...$(id).querySelectorAll("input:checked")].map((i) => i.value);

async function save() {
  const body = {
    case: current.case, on: $("on").value, form: $("forms").querySelector("input:checked").value,
    findings: findings(), needs: ticked("needs"), measures: ticked("measures"), next: $("next").value || null, reported: $("reported").checked,
  };
  $("save").disabled = true;
  $("saved").textContent = "正在保存…";
  const kept = await (mending ? outbox.mend(mending.id, body) : outbox.add("visit", body, { label: current.code }));
  $("save").disabled = false;
  tell(kept ? "" : "手机存不下了，这一条只在这个页面里。请不要关页面，连上网就会保存。");
  list();
  await outbox.send();
  await refresh();
}

async function refresh() {
  try {
    data = await call("GET", "/visits/data.json");
    learnTime(data.server_time);
    write(KEPT, data);
    if ($("form").hidden) list();
    keepPage();
  } catch (/** @type {any} */ error) {
    if (error.kind === "signed_out") return tell("登录过期了，请重新登录。");
    data ||= read(KEPT, null);
    if (!data) tell("没有网络，手机里也没有存下名单。连上网再打开一次。");
    else if ($("form").hidden) list();
  }
}

async function begin() {
  await outbox.open();
  await outbox.takeOver(`visits-waiting-${PERSON}`, "visit", ({ key, code, ...body }) => ({ id: key, body, label: code }));
  await outbox.send();
  await refresh();
}

$("save").addEventListener("click", save);
$("cancel").addEventListener("click", list);
window.addEventListener("online", () => { outbox.failures = 0; outbox.send().then(refresh); });
window.addEventListener("offline", say);
begin();
