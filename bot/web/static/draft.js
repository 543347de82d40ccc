"use strict";
/* Pages of a draft: marks the fields that the check complains about after a save, and says when nothing is saved. */
(() => {
  const unsaved = /** @type {HTMLElement | null} */ (document.querySelector("[data-unsaved]"));
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-autosave]"));
  if (!unsaved || !form) return;
  form.prepend(unsaved);
  let isChanged = false;
  for (const name of ["input", "change"]) form.addEventListener(name, () => { isChanged = true; });
  form.addEventListener("submit", () => { isChanged = false; });

  document.addEventListener("htmx:oobAfterSwap", (event) => {
    const said = /** @type {CustomEvent} */ (event).detail.target;
    if (!(said instanceof HTMLElement) || !said.id.endsWith("-v")) return;
    const field = document.getElementById(said.id.slice(0, -2));
    if (!field) return;
    if (document.getElementById(said.id)?.querySelector(".wrong")) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, successful } = /** @type {CustomEvent} */ (event).detail;
    if (elt !== form) return;
    unsaved.hidden = successful;
    isChanged = !successful;
  });

  /* Leaving the page, or turning to another one: what was typed last is saved at once. */
  document.addEventListener("visibilitychange", () => {
    if (isChanged && document.visibilityState === "hidden") form.dispatchEvent(new Event("leaving"));
  });
})();
