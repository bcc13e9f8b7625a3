/* Keys for reconciling. Everything they do is also a link or a button; without this file the page works as it is. */
"use strict";

(() => {
  const lines = () => [...document.querySelectorAll("#lines a")];

  const go = (step) => {
    const all = lines();
    const current = all.findIndex((link) => link.hasAttribute("aria-current"));
    all[Math.min(Math.max(current + step, 0), all.length - 1)]?.click();
  };

  const actions = {
    j: () => go(1),
    k: () => go(-1),
    a: () => document.querySelector("[name=account]")?.focus(),
    u: () => document.querySelector("[data-key=u]")?.click(),
    "/": () => document.querySelector("#find, [name=q]")?.focus(),
    Enter: () => {
      if (document.querySelector("[name=items]:checked")) document.querySelector("[data-key=Enter]")?.click();
    },
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
    if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  document.addEventListener("DOMContentLoaded", () => {
    const keys = document.getElementById("keys");
    if (keys) keys.hidden = false;
    document.querySelector("#lines a[aria-current]")?.scrollIntoView({ block: "nearest" });
  });
})();
