// The changing code on the projector.
"use strict";
(() => {
  const root = document.getElementById("screen");
  const $ = (id) => document.getElementById(id);
  let next = 0, lost = 0;

  async function refresh() {
    try {
      const response = await fetch(root.dataset.code, { credentials: "same-origin" });
      if (!response.ok || response.redirected) throw new Error();
      const data = await response.json();
      const picture = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement;
      $("qr").replaceChildren(document.importNode(picture, true));
      $("qr").dataset.link = data.link;
      $("qr").hidden = !data.open;
      $("in").textContent = data.in;
      $("of").textContent = data.of;
      $("state").textContent = data.open ? (data.unlisted ? `名单外 ${data.unlisted} 人，请到签到名单里处理` : "") : "现在不是签到时间：开课前 60 分钟到下课之间可以签到";
      next = Date.now() + data.next * 1000;
      lost = 0;
    } catch {
      lost += 1;
      $("state").textContent = "连不上服务器，码可能过期，正在重试…";
      next = Date.now() + 3000 * Math.min(lost, 5);
    }
  }

  let polled = 0;
  setInterval(() => {
    const left = Math.max(0, Math.ceil((next - Date.now()) / 1000));
    $("left").textContent = `${left} 秒后换码`;
    polled += 1;
    if (left === 0 || polled % 5 === 0) refresh();
  }, 1000);
  refresh();
})();
