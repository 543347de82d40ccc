// Pages of a live meeting: load anew when the moderator went on, and count along. Without this file there is a button.
(() => {
  "use strict";
  const main = document.getElementById("main");
  const look = async () => {
    try {
      const answer = await fetch(`/room/${main.dataset.room}/state`, { credentials: "same-origin" });
      if (!answer.ok) return;
      const state = await answer.json();
      const isOther = main.dataset.look !== undefined && state.look !== main.dataset.look;
      if (state.mark !== main.dataset.mark || isOther) location.reload();
      for (const place of document.querySelectorAll("[data-count]")) {
        const now = String(state[place.dataset.count]);
        if (place.textContent !== now) place.textContent = now;
      }
    } catch { /* the line is down: the next look comes soon */ }
  };
  setInterval(() => { if (!document.hidden) look(); }, 2000);
  addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
})();
