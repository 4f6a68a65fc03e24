// @ts-check
// The daily practice: questions and answers are kept on the phone, so that it goes on without a network.
import { call } from "./lib/api.js";
import { $, element, read, withStrong, write } from "./lib/dom.js";
import { keepPage } from "./lib/offline.js";
import { Outbox } from "./lib/outbox.js";
import { sayWaiting, showRefused, tell } from "./lib/waiting.js";

const root = $("practice");
/** @type {string} */
const PERSON = root.dataset.person;
const COUNT = Number(root.dataset.count), KEPT = `practice-${PERSON}`;
/** @type {Record<string, string>} */
const WORDS = { single: "单选题", multiple: "多选题", true_false: "判断题" };
/** @type {any[]} */
let items = [];
/** @type {any[]} */
let round = [];
let at = 0, right = 0;

const outbox = new Outbox(PERSON, say);

function say() {
  sayWaiting(outbox, "practice", "题");
  showRefused(outbox, "practice", null);
  if (outbox.signedOut) tell("登录过期了。答过的题都记在手机里，重新登录后会自动保存。");
}

function start() {
  const answered = new Set(outbox.waiting("practice").map((r) => r.body.item));
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
  $("stem").replaceChildren(...withStrong(item.stem));
  $("options").replaceChildren(...item.options.map((/** @type {[string, string]} */ [label, text]) => {
    const input = element("input", { type: item.type === "multiple" ? "checkbox" : "radio", name: "choice", value: label });
    input.addEventListener("change", () => { $("check").disabled = !chosen().length; });
    return element("label", { className: "option" }, input, element("span", { textContent: item.type === "true_false" ? text : `${label}. ${text}` }), element("span", { className: "said", textContent: "✓ 已选" }));
  }));
  $("unsure").checked = false;
  $("unsure-line").hidden = $("check").hidden = false;
  $("check").disabled = true;
  $("told").hidden = $("next").hidden = $("more").hidden = true;
  window.scrollTo(0, 0);
  $("stem").focus({ preventScroll: true });
}

/** @returns {string[]} */
const chosen = () => [...$("options").querySelectorAll("input:checked")].map((i) => i.value);

async function check() {
  const item = round[at], own = chosen();
  const good = own.length === item.key.length && item.key.every((/** @type {string} */ k) => own.includes(k));
  right += Number(good);
  for (const input of $("options").querySelectorAll("input")) {
    input.disabled = true;
    if (item.key.includes(input.value)) { input.closest("label").classList.add("key"); input.closest("label").querySelector(".said").textContent = "✓ 正确"; }
  }
  const response = item.type === "multiple" ? own : item.type === "true_false" ? own[0] === "true" : own[0];
  write(KEPT, { items: items.filter((i) => i.id !== item.id) });
  $("told").className = `note ${good ? "good" : "bad"}`;
  $("told").replaceChildren(element("strong", { textContent: good ? "✓ 对了 " : "✗ 不对 " }), item.explanation);
  $("told").hidden = $("next").hidden = $("more").hidden = false;
  $("kb").href = item.kb;
  $("kb").textContent = `看知识库里怎么说（${item.source}）`;
  $("check").hidden = $("unsure-line").hidden = true;
  $("next").textContent = at + 1 < round.length ? "下一题" : "练完了，看结果";
  $("next").focus();
  $("saved").textContent = "正在保存…";
  await outbox.add("practice", { item: item.id, response, unsure: $("unsure").checked }, { label: item.stem.replaceAll("**", "").slice(0, 30) });
  outbox.send();
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
  await outbox.send();
  try {
    items = (await call("GET", "/practice/pack.json")).items;
    write(KEPT, { items });
    keepPage();
  } catch (/** @type {any} */ error) {
    if (error.kind === "signed_out") return tell("登录过期了，请重新登录。");
    items = read(KEPT, { items: [] }).items;
    if (!items.length) return tell("没有网络，手机里也没有存下的题。连上网再打开一次。");
  }
  tell("");
  start();
}

async function begin() {
  await outbox.open();
  await outbox.takeOver(`practice-answers-${PERSON}`, "practice", (old) => ({
    id: old.key, body: { item: old.item, response: old.response, unsure: old.unsure }, label: "以前答的题", made_at: new Date(old.at).toISOString(),
  }));
  await fetchMore();
}

$("check").addEventListener("click", check);
$("next").addEventListener("click", next);
$("again").addEventListener("click", () => (items.length < COUNT && navigator.onLine ? fetchMore() : start()));
window.addEventListener("online", () => { outbox.failures = 0; outbox.send(); });
window.addEventListener("offline", say);
begin();
