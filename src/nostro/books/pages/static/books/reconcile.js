/* Keys for reconciling, and what is left while open items are marked. Everything here is also a link or a button: the
   page works without this file. Keys of one letter can be turned off (WCAG 2.1.4). */
"use strict";

(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const STORE = "nostro.books.keys";
  const isOn = () => localStorage.getItem(STORE) !== "off";

  /* --- the list --- */
  const lines = () => all("#lines a");
  const go = (step) => {
    const found = lines();
    const current = found.findIndex((link) => link.hasAttribute("aria-current"));
    const wanted = current + step;
    if (wanted >= found.length) $(".pager a[rel=next]")?.click();
    else if (wanted >= 0) found[wanted].click();
  };
  const marks = () => all("[name=lines]");
  const countMarks = () => {
    const output = $("[data-marked]");
    if (!output) return;
    output.hidden = false;
    output.textContent = marks().filter((mark) => mark.checked).length;
  };
  const mark = (list, value) => {
    for (const box of list) box.checked = value;
    countMarks();
  };
  const markSure = () => {
    const sure = marks().filter((box) => box.dataset.sure !== undefined);
    mark(sure, sure.some((box) => !box.checked));
  };
  const markCurrent = () => {
    const box = $(".line--current [name=lines]");
    if (box) mark([box], !box.checked);
  };

  /* --- what is left: amounts as whole numbers, never as floats --- */
  const SCALE = 12;
  const units = (text) => {
    const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
    return BigInt(sign + whole + part.padEnd(SCALE, "0").slice(0, SCALE));
  };
  const words = (value, currency) => {
    const digits = (value < 0n ? -value : value).toString().padStart(SCALE + 1, "0");
    const text = `${digits.slice(0, -SCALE)}.${digits.slice(-SCALE)}`;
    return new Intl.NumberFormat(document.documentElement.lang || "en", { style: "currency", currency, currencyDisplay: "code" }).format(text);
  };
  const showLeft = () => {
    const form = $("#items");
    const output = form?.querySelector("[data-left]");
    if (!output) return;
    const chosen = [...form.querySelectorAll("[name=items]:checked")];
    const { currency } = form.dataset;
    const rest = units(form.dataset.rest);
    const left = chosen.reduce((sum, box) => sum - units(box.dataset.amount), rest);
    const sentence = () => {
      if (chosen.some((box) => box.dataset.currency !== currency)) return output.dataset.mixed;
      if (!chosen.length) return output.dataset.none;
      if (left === 0n) return output.dataset.exact;
      return (left < 0n) === (rest < 0n) ? output.dataset.line : output.dataset.item;
    };
    output.hidden = false;
    output.textContent = sentence().replace("{amount}", words(left, currency));
  };

  /* The sums of a preview are those of what is ticked. */
  const showSums = () => {
    const sums = new Map();
    for (const { dataset } of all("[name=chosen]:checked")) {
      sums.set(dataset.currency, (sums.get(dataset.currency) ?? 0n) + units(dataset.amount));
    }
    $("[data-sums]").textContent = [...sums].map(([currency, sum]) => words(sum, currency)).join(" · ");
  };

  /* --- keys --- */
  const press = (key) => {
    const found = $(`[data-key="${CSS.escape(key)}"]`);
    if (!found) return false;
    if (found.matches("details")) {
      found.open = !found.open;
      if (found.open) (found.querySelector("input:not([type=hidden]), select") || found.querySelector("summary")).focus();
    } else found.click();
    return true;
  };
  const focus = (selector) => {
    const found = $(selector);
    found?.focus();
    found?.select?.();
    return Boolean(found);
  };
  const apply = () => {
    const button = $("[name=items]:checked") ? $("[data-items]") : $("[data-best]");
    if (button) button.click();
    else focus("#find");
  };
  const preview = () => {
    if (!marks().some((box) => box.checked)) markCurrent();
    return press("b");
  };

  /* The field of an action on the marked lines shows only with its action. */
  const showFields = () => {
    for (const field of all("[data-for]")) field.hidden = field.dataset.for !== $("#action").value;
  };
  const bookMarked = () => {
    if (!$("#action")) return false;
    $("#action").value = "account";
    showFields();
    return focus("#marked_account");
  };

  const actions = {
    j: () => go(1), ArrowDown: () => go(1), k: () => go(-1), ArrowUp: () => go(-1),
    Enter: apply,
    x: markCurrent, X: () => mark(marks(), marks().some((box) => !box.checked)),
    b: preview, B: bookMarked,
    a: () => focus("#id_account"),
    f: () => focus("[name=q]"),
    m: () => focus("[name=items]"),
    "/": () => focus("#find"),
  };

  const typesText = (element) => element.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");
  const isPlaceForArrows = (element) => element === document.body || element.matches("[data-start]") || element.closest("#lines");

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !isOn() && key !== "?") return;
    if (target.closest("dialog")) return;
    if (typesText(target)) {
      if (key === "Escape") $("[data-start]")?.focus();
      return;
    }
    if (key === "Enter" && target.closest("a, button, summary")) return;
    if (key.startsWith("Arrow") && !isPlaceForArrows(target)) return;
    const action = actions[key];
    if (action ? action() === false : key.length > 1 || !press(key)) return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open], [data-key='*']");
    if (button?.dataset.open) document.getElementById(button.dataset.open).showModal();
    else if (button) markSure();
  });
  /* What is chosen stays chosen over another search. */
  document.addEventListener("submit", ({ target }) => {
    if (!target.dataset.keeps) return;
    for (const box of all(`[name=${target.dataset.keeps}]:checked`)) {
      const kept = document.createElement("input");
      Object.assign(kept, { type: "hidden", name: box.name, value: box.value });
      target.append(kept);
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.name === "items") showLeft();
    else if (event.target.name === "chosen") showSums();
    else if (event.target.name === "lines") countMarks();
    else if (event.target.id === "action") showFields();
    else if (event.target.matches("[data-keys-on]")) localStorage.setItem(STORE, event.target.checked ? "on" : "off");
  });

  document.addEventListener("DOMContentLoaded", () => {
    for (const hidden of all("[data-key][hidden]")) hidden.hidden = false;
    const on = $("[data-keys-on]");
    if (on) on.checked = isOn();
    if ($("#action")) showFields();
    countMarks();
    showLeft();
    $("#lines a[aria-current]")?.closest("li").scrollIntoView({ block: "nearest" });
    const wanted = $("[aria-invalid=true]") || (new URLSearchParams(location.search).get("find") && ($("[name=items]:not(:checked)") || $("[name=items]"))) || $("[data-start]");
    wanted?.focus({ preventScroll: wanted.matches("[data-start]") });
  });
})();
