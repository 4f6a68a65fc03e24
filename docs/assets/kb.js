// What the pages do beyond being read: pop-ups, filters, printing, keeping themselves on the phone.
"use strict";
(() => {
  const base = document.currentScript.src.replace(/assets\/kb\.js.*$/, "");
  const local = location.protocol === "file:";
  if (local) document.documentElement.classList.add("from-disk");

  document.addEventListener("DOMContentLoaded", () => {
    popUps();
    filters();
    printing();
  });
  if (!local && "serviceWorker" in navigator) {
    navigator.serviceWorker.register(base + "sw.js", { scope: base }).catch(() => {});
    navigator.serviceWorker.ready.then(() => {
      for (const place of document.querySelectorAll("[data-kept]")) place.textContent = "✓ 已存到这部手机，没有网也能看";
    });
  }

  function popUps() {
    const box = document.createElement("div");
    box.className = "term-box";
    box.setAttribute("role", "status");
    box.hidden = true;
    document.body.append(box);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a.term");
      if (!link) { box.hidden = true; return; }
      event.preventDefault();
      const more = Object.assign(document.createElement("a"), { href: link.href, textContent: "看名词解释" });
      const name = Object.assign(document.createElement("strong"), { textContent: link.textContent });
      box.replaceChildren(name, "：" + (link.dataset.means), document.createElement("br"), more);
      box.hidden = false;
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") box.hidden = true; });
  }

  function filters() {
    const form = document.querySelector("[data-filter]");
    if (!form) return;
    form.hidden = false;
    const show = () => {
      const role = form.elements.role.value, department = form.elements.department.value;
      let shown = 0;
      for (const task of document.querySelectorAll("[data-role]")) {
        const fits = (!role || task.dataset.role === role) && (!department || task.dataset.departments.split(" ").includes(department));
        task.hidden = !fits;
        shown += fits;
      }
      const said = [role && `与儿童主任的关系是“${role}”`, department && `责任单位有“${department}”`].filter(Boolean).join("，");
      form.querySelector("output").textContent = said ? `${said}的有 ${shown} 项` : `全部 ${shown} 项`;
    };
    form.addEventListener("change", show);
    show();
  }

  function printing() {
    for (const button of document.querySelectorAll("[data-print]")) {
      button.hidden = false;
      button.addEventListener("click", () => window.print());
    }
  }
})();
