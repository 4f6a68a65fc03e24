// @ts-check
// What this phone still has to bring to the server, one queue for all pages. Each item is kept in IndexedDB until the server
// has stored it; what the server refuses stays, with its reason, until its owner mends or deletes it.
import { call, sendInParts } from "./api.js";
import { newKey, read, write } from "./dom.js";

const MAX_AT_ONCE = 50;

/**
 * @typedef {object} Row
 * @property {string} id counts once for ever on the server
 * @property {string} person whose it is
 * @property {number} seq
 * @property {string} kind
 * @property {number | null} base the version that an edit started from
 * @property {string} made_at
 * @property {any} body
 * @property {string} label what its owner calls it
 * @property {string} [refused] why the server did not take it
 * @property {any} [theirs] what stands on the server instead
 */

/** The rows of one person in IndexedDB. */
export class Shelf {
  /** @param {string} person */
  constructor(person) {
    this.person = person;
    /** @type {Promise<IDBDatabase> | null} */
    this.opened = null;
  }

  /** @returns {Promise<IDBDatabase>} */
  #open() {
    this.opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("academy-outbox", 1);
      request.onupgradeneeded = () => request.result.createObjectStore("items", { keyPath: "id" }).createIndex("person", "person");
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return this.opened;
  }

  /** @returns {Promise<Row[]>} */
  async all() {
    const rows = (await this.#open()).transaction("items").objectStore("items").index("person");
    return new Promise((resolve, reject) => {
      const request = rows.getAll(this.person);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  /** Rejects when this phone can't keep it. @param {Row} row */
  put(row) { return this.#change((rows) => rows.put(row)); }

  /** @param {string} id */
  drop(id) { return this.#change((rows) => rows.delete(id)); }

  /** @param {(rows: IDBObjectStore) => void} change @returns {Promise<void>} */
  async #change(change) {
    const database = await this.#open();
    return new Promise((resolve, reject) => {
      const transaction = database.transaction("items", "readwrite");
      transaction.oncomplete = () => resolve();
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
      change(transaction.objectStore("items"));
    });
  }
}

/** @param {string} serverTime what this phone's clock is corrected by from now on */
export const learnTime = (serverTime) => { if (serverTime) write("clock-offset", Date.parse(serverTime) - Date.now()); };

/** The time as the server has it, as far as this phone knows. */
export const serverNow = () => new Date(Date.now() + Number(read("clock-offset", 0)));

export class Outbox {
  /**
   * @param {string} person the account
   * @param {() => void} changed called when what waits has changed
   * @param {{ shelf?: any, post?: (body: any) => Promise<any> }} [parts] for tests
   */
  constructor(person, changed, parts = {}) {
    this.person = person;
    this.changed = changed;
    this.shelf = parts.shelf ?? new Shelf(person);
    this.post = parts.post ?? ((body) => call("POST", "/api/v1/outbox", body));
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** Rows that this phone could not keep: they are gone with the page. @type {Set<string>} */
    this.loose = new Set();
    this.signedOut = false;
    this.failures = 0;
    /** @type {Promise<void> | null} */
    this.underWay = null;
    /** @type {any} */
    this.timer = undefined;
  }

  /** @param {string} kind @returns {Row[]} what waits, in the order in which it was made */
  waiting(kind) { return [...this.rows.values()].filter((r) => r.kind === kind && r.refused === undefined).sort((a, b) => a.seq - b.seq); }

  /** @param {string} kind @returns {Row[]} */
  refused(kind) { return [...this.rows.values()].filter((r) => r.kind === kind && r.refused !== undefined).sort((a, b) => a.seq - b.seq); }

  /** Reads what is kept. */
  async open() {
    try {
      const kept = /** @type {Row[]} */ (await this.shelf.all());
      const loose = [...this.rows.values()].filter((r) => this.loose.has(r.id));
      this.rows = new Map([...kept.filter((r) => r.person === this.person), ...loose].map((r) => [r.id, r]));
    } catch { /* this browser keeps nothing: rows live as long as the page */ }
    this.changed();
  }

  /**
   * Takes over what an earlier version kept in localStorage, once.
   * @param {string} name
   * @param {string} kind
   * @param {(old: any) => { id: string, body: any, label: string, made_at?: string }} made
   */
  async takeOver(name, kind, made) {
    const old = read(name, []);
    if (!Array.isArray(old) || !old.length) return;
    let all = true;
    for (const one of old) {
      const { id, body, label, made_at } = made(one);
      if (this.rows.has(id)) continue;
      all = (await this.#keep(this.#row(kind, body, { id, label, made_at }))) && all;
    }
    if (all) localStorage.removeItem(name);
    this.changed();
  }

  /**
   * @param {string} kind
   * @param {any} body
   * @param {{ label?: string, base?: number | null }} [more]
   * @returns {Promise<boolean>} whether this phone has kept it; it is sent in any case
   */
  async add(kind, body, more = {}) {
    const kept = await this.#keep(this.#row(kind, body, more));
    this.changed();
    return kept;
  }

  /**
   * What was refused goes out once more, changed.
   * @param {string} id
   * @param {any} body
   */
  async mend(id, body) {
    const row = this.rows.get(id);
    if (!row) return false;
    const { refused: _, theirs: __, ...rest } = row;
    const kept = await this.#keep({ ...rest, body });
    this.changed();
    return kept;
  }

  /** @param {string} id */
  async drop(id) {
    this.rows.delete(id);
    this.loose.delete(id);
    try { await this.shelf.drop(id); } catch { /* it comes back with the next page */ }
    this.changed();
  }

  /** Sends all that waits; one call after another. @returns {Promise<void>} */
  send() {
    this.underWay ??= this.#send().finally(() => { this.underWay = null; });
    return this.underWay;
  }

  async #send() {
    clearTimeout(this.timer);
    await this.open();
    try {
      for (let batch; (batch = this.#pending().slice(0, MAX_AT_ONCE)).length;)
        await sendInParts(batch, (rows) => this.#put(rows), (row, error) => this.#judge(row, { outcome: "refused", detail: error.message }));
      this.failures = 0;
      this.signedOut = false;
    } catch (/** @type {any} */ error) {
      this.signedOut = error.kind === "signed_out" || error.kind === "forbidden";
      if (!this.signedOut) this.timer = setTimeout(() => this.send(), Math.min(1000 * 2 ** this.failures++, 30000));
    }
    this.changed();
  }

  #pending() { return [...this.rows.values()].filter((r) => r.refused === undefined).sort((a, b) => a.seq - b.seq); }

  /** @param {Row[]} rows */
  async #put(rows) {
    const items = rows.map(({ id, seq, kind, base, made_at, body }) => ({ id, seq, kind, base, made_at, body }));
    const told = await this.post({ device: device(), account: Number(this.person), held: this.rows.size, items });
    learnTime(told.server_time);
    const results = new Map(told.results.map((/** @type {any} */ r) => [r.id, r]));
    for (const row of rows) await this.#judge(row, results.get(row.id) ?? { outcome: "refused", detail: "服务器没有说收没收下" });
  }

  /**
   * @param {Row} row
   * @param {any} result
   */
  async #judge(row, result) {
    if (result.outcome === "stored" || result.outcome === "duplicate") {
      this.rows.delete(row.id);
      this.loose.delete(row.id);
      try { await this.shelf.drop(row.id); } catch { /* sent once more, it is a duplicate */ }
    } else {
      await this.#keep({ ...row, refused: result.detail || "服务器没有收下", theirs: result.theirs });
    }
  }

  /**
   * @param {string} kind
   * @param {any} body
   * @param {{ id?: string, label?: string, base?: number | null, made_at?: string }} more
   * @returns {Row}
   */
  #row(kind, body, { id = newKey(), label = "", base = null, made_at = serverNow().toISOString() }) {
    const seq = Math.max(Number(read("outbox-seq", 0)), ...[...this.rows.values()].map((r) => r.seq)) + 1;
    write("outbox-seq", seq);
    return { id, person: this.person, seq, kind, base, made_at, body, label };
  }

  /** @param {Row} row */
  async #keep(row) {
    this.rows.set(row.id, row);
    try {
      await this.shelf.put(row);
      this.loose.delete(row.id);
      return true;
    } catch {
      this.loose.add(row.id);
      return false;
    }
  }
}

/** @returns {string} a name for this phone, made once */
function device() {
  const known = read("device", "");
  if (known) return known;
  const made = newKey();
  write("device", made);
  return made;
}
