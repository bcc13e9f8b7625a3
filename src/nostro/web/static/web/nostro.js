/* Small conveniences. Every page works without this file; it adds copying, dialogs and live messages. */
"use strict";

(() => {
  const live = (text) => {
    const region = document.getElementById("live");
    if (region) region.textContent = text;
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const before = button.title;
    button.title = button.dataset.copied;
    const words = button.querySelector("span");
    const text = words && words.textContent;
    if (words) words.textContent = button.dataset.copied;
    live(button.dataset.copied);
    setTimeout(() => {
      button.title = before;
      if (words) words.textContent = text;
    }, 2000);
  };

  /* What an element is, so that its like is found after a part of the page was brought up to date. */
  const mark = (one) => {
    const aim = one.id || one.getAttribute("href") || one.getAttribute("action") || one.getAttribute("name");
    return [one.tagName, one.form?.getAttribute("action"), aim || one.textContent.trim()].join(" ");
  };

  /* Who is inside such a part keeps the focus: on the like of the control, else on the part until the control is back. */
  let wanted = null;
  const remember = (part) => {
    const one = document.activeElement;
    if (!part?.contains(one)) wanted = null;
    else if (one !== part || !wanted) wanted = mark(one);
  };
  const restore = (part) => {
    if (!wanted || !part.isConnected || (document.activeElement && document.activeElement !== document.body)) return;
    const like = [...part.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].find(
      (one) => mark(one) === wanted && !one.disabled,
    );
    if (!like) part.tabIndex = -1;
    (like || part).focus({ preventScroll: true });
  };
  document.addEventListener("htmx:beforeSwap", (event) => remember(event.detail.target));

  /* A confirmation is a <details> that opens in place; with a script it becomes a modal dialog. */
  let putBack = null;
  const ask = (details) => {
    // A browser tells of a closed dialog a moment later than it gives the focus back, and a quick hand asks again.
    putBack?.();
    details.open = false;
    const sheet = details.querySelector(".confirm__sheet");
    const dialog = document.createElement("dialog");
    const title = sheet.querySelector("h2");
    title.id = title.id || `dialog-${Math.random().toString(36).slice(2)}`;
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.append(...sheet.childNodes);
    document.body.append(dialog);
    const close = () => {
      if (putBack !== close) return;
      putBack = null;
      const doer = mark(dialog.querySelector("form") || title);
      sheet.append(...dialog.childNodes);
      dialog.remove();
      // The page may have been brought up to date behind the dialog.
      const now = [...document.querySelectorAll(".confirm")].find((one) => mark(one.querySelector("form") || one) === doer);
      (details.isConnected ? details : now)?.querySelector("summary").focus();
    };
    putBack = close;
    dialog.addEventListener("close", close);
    // A browser lets Tab out into its own bar, and there the focus is lost from sight.
    dialog.addEventListener("keydown", (event) => {
      const stops = [...dialog.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea")];
      const [from, to] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
      if (event.key !== "Tab" || document.activeElement !== from) return;
      event.preventDefault();
      to.focus();
    });
    dialog.showModal();
    // Pressing Enter twice must not do what cannot be undone.
    dialog.querySelector(".button--danger ~ [data-close]")?.focus();
  };

  const prepare = (root) => {
    for (const element of root.querySelectorAll("[data-copy][hidden], [data-close][hidden]")) element.hidden = false;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-close], .confirm > summary");
    if (button?.dataset.copy !== undefined) copy(button);
    else if (button?.dataset.close !== undefined) button.closest("dialog, details")?.[button.closest("dialog") ? "close" : "removeAttribute"]("open");
    else if (button && window.HTMLDialogElement) {
      event.preventDefault();
      ask(button.parentElement);
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  /* Two clicks on one button are one: the second is swallowed while the first is under way. */
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    prepare(event.target);
    restore(event.target);
    const said = event.target.querySelector?.("[data-live]");
    if (said) live(said.dataset.live);
  });
  document.addEventListener("DOMContentLoaded", () => prepare(document));
  if (document.readyState !== "loading") prepare(document);
})();
