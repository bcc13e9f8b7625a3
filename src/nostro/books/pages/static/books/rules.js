/* Rules are put in order by dragging. The buttons Move up and Move down do the same, with the keyboard too. */
"use strict";

(() => {
  const list = document.querySelector("#rules");
  if (!list) return;
  const places = () => [...list.children];
  let dragged = null;
  let begin = 0;

  for (const handle of list.querySelectorAll("[data-handle]")) {
    handle.hidden = false;
    handle.draggable = true;
  }
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-handle]")?.closest("li") ?? null;
    if (!dragged) return;
    begin = places().indexOf(dragged);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 0, 0);
    dragged.classList.add("is-dragged");
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("#rules > li");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY > top + height / 2) over.after(dragged);
    else over.before(dragged);
  });
  list.addEventListener("drop", (event) => event.preventDefault());
  list.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("is-dragged");
    const moved = places().indexOf(dragged) - begin;
    const form = dragged.querySelector("form");
    dragged = null;
    if (!moved) return;
    for (const [name, value] of [["change", "place"], ["places", moved]]) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      form.append(field);
    }
    form.submit();
  });
})();
