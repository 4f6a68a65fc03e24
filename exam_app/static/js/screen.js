// @ts-check
// The changing code on the projector.
import { call } from "./lib/api.js";
import { $ } from "./lib/dom.js";

const root = $("screen");
let next = 0, lost = 0, polled = 0;

async function refresh() {
  try {
    const data = await call("GET", root.dataset.code);
    const picture = new DOMParser().parseFromString(data.svg, "image/svg+xml").documentElement;
    $("qr").replaceChildren(document.importNode(picture, true));
    $("qr").dataset.link = data.link;
    $("qr").hidden = !data.open;
    $("in").textContent = data.in;
    $("of").textContent = data.of;
    $("state").textContent = data.open ? (data.unlisted ? `名单外 ${data.unlisted} 人，请到签到名单里处理` : "") : "现在不是签到时间：开课前 60 分钟到下课之间可以签到";
    next = performance.now() + data.next * 1000;
    lost = 0;
  } catch (/** @type {any} */ error) {
    lost += 1;
    $("state").textContent = error.kind === "signed_out" ? "登录已过期，请重新登录" : "连不上服务器，码可能过期，正在重试…";
    next = performance.now() + 3000 * Math.min(lost, 5);
  }
}

setInterval(() => {
  const left = Math.max(0, Math.ceil((next - performance.now()) / 1000));
  $("left").textContent = `${left} 秒后换码`;
  polled += 1;
  if (left === 0 || polled % 5 === 0) refresh();
}, 1000);
refresh();
