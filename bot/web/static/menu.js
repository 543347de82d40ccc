"use strict";
/* Menus that are wider than a phone: scrolls the present page into sight. */
for (const menu of document.querySelectorAll(".side, .places")) {
  const here = menu.querySelector("[aria-current]");
  if (!here) continue;
  const row = menu.getBoundingClientRect();
  const entry = here.getBoundingClientRect();
  menu.scrollLeft += entry.left + entry.width / 2 - row.left - row.width / 2;
}
