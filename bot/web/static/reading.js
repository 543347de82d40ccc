"use strict";
/* Keys for reading: j and k move, a releases, h and e open, m merges, t reviews a translation
   or opens the page for it, x ticks, z undoes, ? shows the keys. Not while somebody types. */
(() => {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-reading]"));
  const all = () => /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll(".texts > li")));
  const tick = /** @type {HTMLButtonElement | null} */ (document.querySelector("[data-tick]"));
  if (form && tick) {
    tick.hidden = false;
    tick.addEventListener("click", () => {
      const boxes = /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name=item]"));
      const isAny = Array.from(boxes).some((box) => !box.checked);
      boxes.forEach((box) => { box.checked = isAny; });
    });
  }

  /** @type {Element | null} */
  let last = null; // the button that takes the last decision back

  /* With htmx a decision swaps one text for a line; the next text gets the focus. */
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = /** @type {CustomEvent} */ (event).detail.target;
    const here = target && document.getElementById(target.id);
    if (!here || !here.matches(".texts > li")) return;
    last = here.querySelector("[data-key=z]");
    const texts = all();
    const after = texts.slice(texts.indexOf(here)).find((text) => !text.matches(".done"));
    (after || here).focus();
  });

  /* A session that has ended, or no connection: the form is sent plainly, and the server shows what was typed. */
  for (const name of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(name, (event) => {
      const button = /** @type {CustomEvent} */ (event).detail.elt;
      if (button instanceof HTMLButtonElement && button.form) button.form.requestSubmit(button);
    });
  }

  /** @param {number} step */
  const move = (step) => {
    const texts = all().filter((text) => !text.matches(".done"));
    const here = texts.findIndex((text) => text.contains(document.activeElement));
    const next = texts[Math.min(texts.length - 1, Math.max(0, here + step))];
    if (next) next.focus();
  };

  /** @param {string} key */
  const act = (key) => {
    const here = all().find((text) => text.contains(document.activeElement));
    const place = key === "z" || key === "?" ? document : here;
    const offered = /** @type {HTMLElement[]} */ (place ? Array.from(place.querySelectorAll(`[data-key="${key}"]`)) : []);
    const found = (key === "z" && offered.find((it) => it === last)) || offered[0];
    if (found instanceof HTMLDetailsElement) {
      found.open = key === "?" ? !found.open : true;
      const field = /** @type {HTMLElement | null} */ (found.querySelector("select, textarea"));
      if (field) field.focus();
    } else if (found) {
      found.click();
    }
    return Boolean(found);
  };

  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    const types = target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
    if (types || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (!("ahemtxz?".includes(event.key) && act(event.key))) return;
    event.preventDefault();
  });
})();
