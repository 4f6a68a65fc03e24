// @ts-check
// Small helpers for pages and for what this phone remembers.

/**
 * @param {string} id
 * @returns {any} the element of this id
 */
export const $ = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {Record<string, any>} attributes properties of the element
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
}

/**
 * What stands between double asterisks in a stem is set in bold: a “not” must not be overlooked.
 * @param {string} text
 */
export const withStrong = (text) => text.split("**").map((part, n) => (n % 2 ? element("strong", { className: "not", textContent: part }) : part));

/** A key that no other phone makes. */
export const newKey = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 14)}`);

/**
 * @param {string} name
 * @param {any} otherwise
 * @returns {any} what this phone remembers under a name
 */
export function read(name, otherwise) {
  try { return JSON.parse(localStorage.getItem(name) ?? "null") ?? otherwise; } catch { return otherwise; }
}

/**
 * @param {string} name
 * @param {any} value
 * @returns {boolean} whether this phone will remember it
 */
export function write(name, value) {
  try { localStorage.setItem(name, JSON.stringify(value)); return true; } catch { return false; }
}
