// Pages of a live meeting: load anew when the moderator went on, and count along. Without this file there is a button.
(() => {
  "use strict";
  const { room, look: seen, mark } = /** @type {HTMLElement} */ (document.getElementById("main")).dataset;
  let isLeaving = false; // a page that comes slowly must not be asked for again and again
  const look = async () => {
    if (isLeaving) return;
    try {
      const answer = await fetch(`/room/${room}/state`, { credentials: "same-origin" });
      if (!answer.ok) return;
      /** @type {Record<string, string | number>} */
      const state = await answer.json();
      const isOther = seen !== undefined && state.look !== seen;
      if (state.mark !== mark || isOther) {
        isLeaving = true;
        location.reload();
      }
      for (const place of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-count]"))) {
        const now = String(state[place.dataset.count || ""]);
        if (place.textContent !== now) place.textContent = now;
      }
    } catch { /* the line is down: the next look comes soon */ }
  };
  setInterval(() => { if (!document.hidden) look(); }, 2000);
  addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
})();
