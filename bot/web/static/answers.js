"use strict";
/* Ticks all proposals of the page, or none. */
(() => {
  const form = document.querySelector("[data-ticks]");
  const button = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-tick-all]"));
  if (!form || !button) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name=item]"));
    const isAny = Array.from(boxes).some((box) => !box.checked);
    boxes.forEach((box) => { box.checked = isAny; });
  });
})();
