// @ts-check
// Brings the answers of an exam to the server.
import { sendInParts } from "../lib/api.js";

const MAX_AT_ONCE = 100;

/** @typedef {{ response: any, seq: number, saved: number, seconds?: number }} Answer */

export class Saving {
  /**
   * @param {(body: any) => Promise<any>} put sends one batch
   * @param {{ changed: () => void, told: (data: any) => void, failed: (error: any) => void }} on
   */
  constructor(put, on) {
    this.put = put;
    this.on = on;
    /** @type {Record<string, Answer>} */
    this.answers = {};
    /** What the server refused: slot to the seq and the reason. @type {Record<string, { seq: number, reason: string }>} */
    this.refused = {};
    this.left = 0;
    this.leftSaved = 0;
    this.failures = 0;
    this.stopped = false;
    /** @type {Promise<boolean> | null} */
    this.underWay = null;
    /** @type {any} */
    this.timer = undefined;
  }

  /** @returns {[string, Answer][]} */
  unsaved() { return Object.entries(this.answers).filter(([, a]) => a.seq > a.saved); }

  /** Slots whose last answer the server refused. */
  stuck() { return this.unsaved().filter(([slot, a]) => this.refused[slot]?.seq === a.seq).map(([slot]) => slot); }

  pending() {
    const stuck = new Set(this.stuck());
    return this.unsaved().filter(([slot]) => !stuck.has(slot));
  }

  /**
   * @param {string} slot
   * @param {any} response
   * @param {number} seconds
   * @returns {Answer}
   */
  answer(slot, response, seconds) {
    const before = this.answers[slot] ?? { seq: 0, saved: 0 };
    this.answers[slot] = { response, seq: before.seq + 1, saved: before.saved, seconds };
    this.#later(300);
    return this.answers[slot];
  }

  /** @param {[string, Answer][]} batch */
  body(batch) {
    return { answers: batch.map(([slot, a]) => ({ slot, response: a.response, seq: a.seq, seconds: a.seconds })), left: this.left };
  }

  /** Sends what is not saved; one call after another. @returns {Promise<boolean>} whether it got through */
  send() {
    this.underWay ??= this.#send().finally(() => { this.underWay = null; });
    return this.underWay;
  }

  /** Waits for a save under way and sends what is left. @returns {Promise<boolean>} whether all is saved that can be */
  async flush() {
    if (this.underWay) await this.underWay;
    while (this.pending().length && !this.stopped) if (!(await this.send())) return false;
    return !this.stopped;
  }

  /** What goes out when the page is left, without waiting for an answer. */
  last() {
    const batch = this.unsaved().slice(0, MAX_AT_ONCE);
    return this.stopped || (!batch.length && this.left === this.leftSaved) ? null : this.body(batch);
  }

  /** @returns {Record<string, number>} what the server has to have */
  expected() {
    const stuck = new Set(this.stuck());
    return Object.fromEntries(Object.entries(this.answers).flatMap(([slot, a]) => {
      const seq = stuck.has(slot) ? a.saved : a.seq;
      return seq ? [[slot, seq]] : [];
    }));
  }

  /** @returns {Promise<boolean>} */
  async #send() {
    clearTimeout(this.timer);
    const batch = this.pending().slice(0, MAX_AT_ONCE), left = this.left;
    if (this.stopped || (!batch.length && left === this.leftSaved)) { this.on.changed(); return true; }
    this.on.changed();
    let through = true;
    try {
      if (batch.length) await sendInParts(batch, (part) => this.#put(part), ([slot, a], error) => { this.refused[slot] = { seq: a.seq, reason: error.message }; });
      else await this.#put([]);
      this.leftSaved = left;
      this.failures = 0;
    } catch (error) {
      through = false;
      this.failures += 1;
      this.on.failed(error);
    }
    this.on.changed();
    if (this.pending().length) this.#later(through ? 0 : Math.min(1000 * 2 ** this.failures, 30000) * (0.75 + Math.random() / 2));
    return through;
  }

  /** @param {[string, Answer][]} batch */
  async #put(batch) {
    const data = await this.put(this.body(batch));
    for (const [slot, seq] of Object.entries(data.saved)) {
      const own = this.answers[slot];
      if (own) own.saved = Math.max(own.saved, Number(seq));
    }
    this.on.told(data);
  }

  /** @param {number} wait */
  #later(wait) {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => this.send(), wait);
  }
}
