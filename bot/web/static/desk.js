/* A device that several people use one after another. Without this file everything works too, by forms and by pages
   that load the next one after a while. With it there is no history to go back in, and a warning before the wipe. */
(() => {
  "use strict";
  const main = document.getElementById("main");
  const data = main.dataset;
  // A page out of the browser's memory is a page of somebody before.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  const send = (url, body) => fetch(url, { method: "POST", body, redirect: "manual", credentials: "same-origin" });
  const own = () => new URLSearchParams({ csrf: data.csrf || "" });

  // Forms are sent from here and the next page replaces this one: going back leads out, not to somebody's answers.
  addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const body = new URLSearchParams(new FormData(form));
    if (button && button.name) body.set(button.name, button.value);
    event.preventDefault();
    const next = form.hasAttribute("data-end") ? data.begin : data.ask;
    if (!next) {
      // The first page does not know where the visit begins: the answer leads there.
      fetch(form.action, { method: "POST", body, credentials: "same-origin" })
        .then((answer) => location.replace(answer.url), () => form.submit());
      return;
    }
    send(form.action, body).then((answer) => {
      if (answer.type === "opaqueredirect" || answer.ok) location.replace(next);
      else form.submit();
    }, () => { announce(navigator.onLine ? "" : "…"); form.submit(); });
  });
  for (const link of document.querySelectorAll("[data-more]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); location.replace(link.href); });
  }
  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place) place.textContent = text;
  };
  if (!data.idle) return;

  const dialog = document.getElementById("still");
  const idle = Number(data.idle), warning = Number(data.warning);
  let last = Date.now(), told = Date.now(), warnedAt = 0;
  let until = data.farewell ? Date.now() + 1000 * Number(data.farewell) : 0;
  const wipe = () => {
    document.body.hidden = true;
    const away = () => location.replace(data.begin);
    send(data.end, own()).then(away, away);
  };
  const alive = () => {
    last = Date.now();
    // The server counts as well; it is told now and then that somebody is still there.
    if (last - told > 20000) {
      told = last;
      send(data.here, own()).then((answer) => { if (answer.status === 410) location.replace(data.begin); }, () => {});
    }
  };
  const goOn = () => { warnedAt = 0; dialog.close(); told = 0; alive(); };
  for (const name of ["pointerdown", "keydown", "input", "scroll", "touchstart"]) {
    addEventListener(name, () => { if (!warnedAt) alive(); }, { passive: true, capture: true });
  }
  dialog.querySelector("[data-go-on]").addEventListener("click", goOn);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); goOn(); });
  setInterval(() => {
    const now = Date.now();
    if (until) {
      const left = Math.max(0, Math.ceil((until - now) / 1000));
      for (const place of document.querySelectorAll(".countdown [data-seconds]")) place.textContent = left;
      if (!left) { until = 0; wipe(); }
      return;
    }
    if (!warnedAt && now - last >= 1000 * idle) { warnedAt = now; dialog.showModal(); }
    if (warnedAt) {
      const left = Math.max(0, Math.ceil(warning - (now - warnedAt) / 1000));
      const place = dialog.querySelector("[data-seconds]");
      if (place.textContent !== String(left)) {
        place.textContent = left;
        // Said at the beginning and at the end only: a voice that counts every second is no help.
        if (left === warning || left === 10 || left === 5) announce(`${dialog.querySelector("#still-text").textContent}`);
      }
      if (!left) { warnedAt = 0; wipe(); }
    }
  }, 500);
})();
