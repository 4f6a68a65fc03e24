// @ts-check
// The time that is left. The server's word counts, and between two words a clock that nobody can set.

export class Clock {
  /** @param {() => number} now milliseconds of a monotonic clock */
  constructor(now = () => performance.now()) {
    this.now = now;
    this.end = Infinity;
    this.toldAt = -Infinity;
  }

  /**
   * @param {string} serverTime
   * @param {string} deadline
   */
  learn(serverTime, deadline) {
    this.toldAt = this.now();
    this.end = this.toldAt + Date.parse(deadline) - Date.parse(serverTime);
  }

  /** Seconds to the deadline. */
  left() { return Math.max(0, Math.ceil((this.end - this.now()) / 1000)); }

  /** Milliseconds since the server's last word. */
  age() { return this.now() - this.toldAt; }
}

// The server takes answers for 60 seconds after the deadline.
const NOTICE = 20000, AGAIN = 5000;

/** Hands an exam in by itself: only when the server says that its time is up, and after a notice that can be answered. */
export class Ending {
  /**
   * @param {Clock} clock
   * @param {{ ask: () => Promise<void>, notice: (seconds: number) => void, withdraw: () => void, unreachable: () => void, handIn: () => void }} on
   *   `ask` has the clock learn the server's word; `notice` tells the seconds until the exam is handed in
   */
  constructor(clock, on) {
    this.clock = clock;
    this.on = on;
    /** @type {number | null} when it is handed in, by the clock */
    this.at = null;
    this.asking = false;
    this.askedAt = -Infinity;
    this.done = false;
  }

  async check() {
    if (this.done) return;
    if (this.clock.left() > 0) {
      if (this.at !== null) { this.at = null; this.on.withdraw(); }
      return;
    }
    if (this.at === null && !(await this.#confirmed())) return;
    const now = this.clock.now();
    this.at ??= now + NOTICE;
    if (now < this.at) return this.on.notice(Math.ceil((this.at - now) / 1000));
    this.done = true;
    this.on.handIn();
  }

  /** Lets another attempt to hand in begin in a while, after one that did not get through. */
  again() {
    this.done = false;
    if (this.at !== null) this.at = this.clock.now() + AGAIN;
  }

  async #confirmed() {
    if (this.asking || this.clock.now() - this.askedAt < AGAIN) return false;
    this.asking = true;
    try {
      await this.on.ask();
    } catch {
      this.on.unreachable();
      return false;
    } finally {
      this.asking = false;
      this.askedAt = this.clock.now();
    }
    return this.clock.left() === 0;
  }
}
