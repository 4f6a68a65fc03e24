// @ts-check
// What this phone keeps of an exam under way: the paper and every answer, in IndexedDB.
import { write, read } from "../lib/dom.js";

/** @typedef {{ response: any, seq: number, seconds?: number }} Kept */

export class Store {
  /** @param {string} attempt */
  constructor(attempt) {
    this.attempt = attempt;
    /** @type {IDBDatabase | null} */
    this.db = null;
  }

  /** @returns {Promise<void>} */
  open() {
    return new Promise((resolve) => {
      const request = indexedDB.open("academy-exam", 2);
      request.onupgradeneeded = (event) => {
        if (event.oldVersion < 1) request.result.createObjectStore("answers", { keyPath: ["attempt", "slot"] });
        request.result.createObjectStore("papers", { keyPath: "attempt" });
      };
      request.onsuccess = () => { this.db = request.result; resolve(); };
      request.onerror = () => resolve();
    });
  }

  /** @returns {Promise<(Kept & { slot: string })[]>} */
  answers() {
    return new Promise((resolve) => {
      if (!this.db) return resolve([]);
      const request = this.db.transaction("answers").objectStore("answers").getAll(this.#range());
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => resolve([]);
    });
  }

  /**
   * @param {string} slot
   * @param {Kept} answer
   * @returns {Promise<boolean>} whether this phone has kept it
   */
  put(slot, answer) {
    const { response, seq, seconds } = answer;
    return this.#write("answers", (rows) => rows.put({ attempt: this.attempt, slot, response, seq, seconds }));
  }

  /** @returns {Promise<any>} */
  paper() {
    return new Promise((resolve) => {
      if (!this.db) return resolve(null);
      const request = this.db.transaction("papers").objectStore("papers").get(this.attempt);
      request.onsuccess = () => resolve(request.result || null);
      request.onerror = () => resolve(null);
    });
  }

  /**
   * @param {any} data the start of the attempt as the server told it
   * @param {number} skew milliseconds by which the server's clock is ahead of this phone's
   */
  keepPaper(data, skew) {
    return this.#write("papers", (rows) => rows.put({ ...data, attempt: this.attempt, skew }));
  }

  async clear() {
    localStorage.removeItem(`flags-${this.attempt}`);
    await this.#write("papers", (rows) => rows.delete(this.attempt));
    await this.#write("answers", (rows) => rows.delete(this.#range()));
  }

  /** @returns {Set<string>} */
  flags() { return new Set(read(`flags-${this.attempt}`, [])); }

  /** @param {Set<string>} flags */
  keepFlags(flags) { write(`flags-${this.attempt}`, [...flags]); }

  /** @returns {number} how often the page has been left */
  left() { return Number(read(`left-${this.attempt}`, 0)); }

  /** @param {number} left */
  keepLeft(left) { write(`left-${this.attempt}`, left); }

  #range() { return IDBKeyRange.bound([this.attempt, ""], [this.attempt, "\uffff"]); }

  /**
   * @param {string} name
   * @param {(rows: IDBObjectStore) => void} change
   * @returns {Promise<boolean>}
   */
  #write(name, change) {
    return new Promise((resolve) => {
      if (!this.db) return resolve(false);
      try {
        const transaction = this.db.transaction(name, "readwrite");
        transaction.oncomplete = () => resolve(true);
        transaction.onerror = transaction.onabort = () => resolve(false);
        change(transaction.objectStore(name));
      } catch { resolve(false); }
    });
  }
}
