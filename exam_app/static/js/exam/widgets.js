// @ts-check
// How the kinds of questions are shown and answered. Each takes the item, the answer so far, the place to draw in and `answer`,
// which is called with every new response.
import { element } from "../lib/dom.js";

/** @typedef {(response: any) => void} Answer */

// Labels stay those of the question; only the order in which they are shown is this paper's own.
/** @param {any} item @returns {[string, string][]} */
const shownOptions = (item) => item.order.map((/** @type {string} */ label) => [label, item.options[label]]);

// An order under way is no answer yet; it is kept here until every option has its place.
/** @type {Record<string, string[]>} */
const places = {};

/**
 * @param {any} item
 * @param {any} own
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
function showChoices(item, own, box, answer) {
  const choices = item.type === "true_false" ? [["true", "对"], ["false", "错"]] : shownOptions(item);
  const many = item.type === "multiple";
  for (const [n, [label, text]] of choices.entries()) {
    const input = element("input", { type: many ? "checkbox" : "radio", name: "choice", value: label });
    input.checked = many ? (own || []).includes(label) : String(own) === label && own !== null && own !== undefined;
    input.addEventListener("change", () => answer(chosen(item, box)));
    const lead = item.type === "true_false" ? "" : `${String.fromCharCode(65 + n)}. `;
    box.append(element("label", { className: "option" }, input, element("span", { textContent: lead + text }), element("span", { className: "said", textContent: "✓ 已选" })));
  }
}

/**
 * @param {any} item
 * @param {any} own
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
function showBlanks(item, own, box, answer) {
  for (let n = 0; n < item.blanks; n += 1) {
    const input = element("input", { type: "text", maxLength: 200, autocomplete: "off", value: own?.[n] || "", id: `blank-${n}` });
    input.addEventListener("input", () => {
      const texts = [...box.querySelectorAll("input")].map((i) => i.value);
      answer(texts.some((t) => t.trim()) ? texts : null);
    });
    box.append(element("div", { className: "field" }, element("label", { htmlFor: `blank-${n}`, textContent: `第 ${n + 1} 空` }), input));
  }
}

/**
 * @param {any} item
 * @param {any} own
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
function showOrder(item, own, box, answer) {
  let whole = Boolean(own);
  if (own) places[item.slot] = [...own];
  const placed = (places[item.slot] ||= []);
  const list = element("div", { className: "arranging" });
  const draw = () => {
    list.replaceChildren(...item.order.map((/** @type {string} */ label) => {
      const at = placed.indexOf(label);
      const button = element("button", { type: "button", className: `option arrange${at < 0 ? "" : " chosen"}` },
        element("span", { className: "step num", textContent: at < 0 ? "·" : String(at + 1) }), element("span", { textContent: item.options[label] }));
      button.dataset.label = label;
      button.setAttribute("aria-label", at < 0 ? `${item.options[label]}，还没排` : `第 ${at + 1} 步：${item.options[label]}，再点一下取消`);
      button.addEventListener("click", () => {
        if (at < 0) placed.push(label); else placed.splice(at, 1);
        const complete = placed.length === item.order.length;
        if (complete || whole) answer(complete ? [...placed] : null);
        whole = complete;
        draw();
        list.querySelector(`[data-label="${label}"]`).focus();
      });
      return button;
    }));
  };
  draw();
  const again = element("button", { type: "button", className: "plain-button", textContent: "重新排" });
  again.addEventListener("click", () => { placed.length = 0; if (whole) answer(null); whole = false; draw(); });
  box.append(list, again);
}

/**
 * @param {any} item
 * @param {any} own
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
function showMatch(item, own, box, answer) {
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
        if (open === null) return;
        pairs[open] = Number(number);
        answer({ ...pairs });
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

/**
 * @param {any} item
 * @param {any} own
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
function showText(item, own, box, answer) {
  const area = element("textarea", { rows: 6, maxLength: 5000, value: own || "" });
  area.setAttribute("aria-labelledby", "stem");
  area.addEventListener("input", () => answer(area.value.trim() ? area.value : null));
  box.append(area);
}

/**
 * @param {any} item
 * @param {HTMLElement} box
 */
function chosen(item, box) {
  const labels = [...box.querySelectorAll("input")].filter((i) => i.checked).map((i) => i.value);
  if (item.type === "multiple") return labels.length ? labels : null;
  return item.type === "true_false" ? labels[0] === "true" : labels[0];
}

/** @type {Record<string, (item: any, own: any, box: HTMLElement, answer: Answer) => void>} */
const SHOWN = { fill: showBlanks, order: showOrder, match: showMatch, short_answer: showText };

/**
 * @param {any} item
 * @param {any} own the answer so far
 * @param {HTMLElement} box
 * @param {Answer} answer
 */
export function showItem(item, own, box, answer) {
  box.replaceChildren();
  (SHOWN[item.type] ?? showChoices)(item, own, box, answer);
}

/**
 * @param {any} item
 * @param {any} response
 * @returns {boolean} whether nothing is missing
 */
export function isComplete(item, response) {
  if (response === undefined || response === null) return false;
  if (item.type === "fill") return response.every((/** @type {string} */ text) => text.trim());
  if (item.type === "match") return Object.keys(response).length === Object.keys(item.left).length;
  return !(Array.isArray(response) && !response.length);
}
