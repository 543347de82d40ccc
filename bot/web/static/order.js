"use strict";
/* Question cards are dragged by a grip; letting go sends the form of the card, as the buttons with arrows do. */
(() => {
  const list = /** @type {HTMLElement | null} */ (document.querySelector("[data-sorted]"));
  const sortable = /** @type {any} */ (window).Sortable;
  if (!list || !sortable) return;
  list.querySelectorAll("[data-grip]").forEach((grip) => { /** @type {HTMLElement} */ (grip).hidden = false; });
  sortable.create(list, {
    handle: "[data-grip]",
    draggable: "[data-question]",
    ghostClass: "ask-goal",
    animation: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    forceFallback: true, // the same for mouse and finger
    fallbackTolerance: 4,
    onEnd: (/** @type {any} */ { item, oldDraggableIndex, newDraggableIndex }) => {
      const form = item.querySelector("form");
      if (oldDraggableIndex === newDraggableIndex || !form) return;
      let next = item.nextElementSibling;
      while (next && !next.matches("[data-question]")) next = next.nextElementSibling;
      const act = document.createElement("input");
      Object.assign(act, { type: "hidden", name: "act", value: `before:${next ? next.dataset.question : ""}` });
      form.append(act);
      form.submit();
    },
  });
})();
