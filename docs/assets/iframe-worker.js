// Browsers start no worker from a file on disk; an invisible frame runs the search instead.
"use strict";
if (location.protocol === "file:") {
  // The search script looks for this name in its parent to know where it runs.
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const home = new URL(url, location.href).href;
      this.waiting = [];
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      document.body.append(this.frame);
      const inner = this.frame.contentWindow, page = this.frame.contentDocument;
      inner.importScripts = (...names) => names.reduce((before, name) => before.then(() => load(page, new URL(name, home).href)), Promise.resolve());
      inner.postMessage = (data) => this.answer(data);
      this.inner = inner;
      load(page, home).then(() => {
        this.ready = true;
        for (const data of this.waiting) this.pass(data);
      });
    }
    answer(data) {
      const event = new MessageEvent("message", { data });
      this.dispatchEvent(event);
      if (this.onmessage) this.onmessage(event);
    }
    pass(data) { this.inner.dispatchEvent(new this.inner.MessageEvent("message", { data })); }
    postMessage(data) { if (this.ready) this.pass(data); else this.waiting.push(data); }
    terminate() { this.frame.remove(); }
  };
  const load = (page, src) => new Promise((resolve, reject) => {
    const script = page.createElement("script");
    Object.assign(script, { src, onload: resolve, onerror: reject });
    page.body.append(script);
  });
}
