"use strict";
/* Loads the list of files again while one is being made. Without this script the page has a link that does so. */
(() => {
  const said = /** @type {HTMLElement | null} */ (document.querySelector("[data-jobs-said]"));
  const SECONDS = 2;

  const look = async () => {
    const here = document.getElementById("jobs");
    if (!here || here.dataset.jobs !== "busy") return;
    if (!here.contains(document.activeElement) && !document.hidden) {
      const answer = await fetch(location.pathname, { credentials: "same-origin", redirect: "error" }).catch(() => null);
      if (answer && answer.ok) {
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("jobs");
        if (fresh) {
          here.replaceWith(fresh);
          if (fresh.dataset.jobs !== "busy" && said) said.textContent = said.dataset.ready || "";
        }
      }
    }
    setTimeout(look, SECONDS * 1000);
  };
  setTimeout(look, 1000);
})();
