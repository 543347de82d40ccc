/* A device that several people use one after another. Without this file everything works too, by forms and by pages
   that load the next one after a while. With it there is no history to go back in, and a warning before the wipe. */
(() => {
  "use strict";
  /** What the page always has.
      @param {string} selector @param {ParentNode} [inside] */
  const find = (selector, inside) => /** @type {HTMLElement} */ ((inside || document).querySelector(selector));
  const data = find("#main").dataset;
  const begin = data.begin || "", end = data.end || "", here = data.here || "";
  // A page out of the browser's memory is a page of somebody before.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
  /** @param {string} url @param {URLSearchParams} body */
  const send = (url, body) => fetch(url, { method: "POST", body, redirect: "manual", credentials: "same-origin" });
  const own = () => new URLSearchParams({ csrf: data.csrf || "" });

  // Forms are sent from here and the next page replaces this one: going back leads out, not to somebody's answers.
  addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    const body = new URLSearchParams();
    new FormData(form).forEach((value, name) => body.append(name, String(value)));
    if (button && button.name) body.set(button.name, button.value);
    event.preventDefault();
    const next = form.hasAttribute("data-end") ? begin : data.ask;
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
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll("[data-more]"))) {
    link.addEventListener("click", (event) => { event.preventDefault(); location.replace(link.href); });
  }
  /** @param {string} text */
  const announce = (text) => {
    const place = document.getElementById("announce");
    if (place) place.textContent = text;
  };
  if (!data.idle) return;

  const dialog = /** @type {HTMLDialogElement} */ (find("#still"));
  const idle = Number(data.idle), warning = Number(data.warning);
  let last = Date.now(), told = Date.now(), warnedAt = 0;
  let until = data.farewell ? Date.now() + 1000 * Number(data.farewell) : 0;
  const wipe = () => {
    document.body.hidden = true;
    const away = () => location.replace(begin);
    send(end, own()).then(away, away);
  };
  const alive = () => {
    last = Date.now();
    // The server counts as well; it is told now and then that somebody is still there.
    if (last - told > 20000) {
      told = last;
      send(here, own()).then((answer) => { if (answer.status === 410) location.replace(begin); }, () => {});
    }
  };
  const goOn = () => { warnedAt = 0; dialog.close(); told = 0; alive(); };
  for (const name of ["pointerdown", "keydown", "input", "scroll", "touchstart"]) {
    addEventListener(name, () => { if (!warnedAt) alive(); }, { passive: true, capture: true });
  }
  find("[data-go-on]", dialog).addEventListener("click", goOn);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); goOn(); });
  setInterval(() => {
    const now = Date.now();
    if (until) {
      const left = Math.max(0, Math.ceil((until - now) / 1000));
      for (const place of document.querySelectorAll(".countdown [data-seconds]")) place.textContent = String(left);
      if (!left) { until = 0; wipe(); }
      return;
    }
    if (!warnedAt && now - last >= 1000 * idle) { warnedAt = now; dialog.showModal(); }
    if (warnedAt) {
      const left = Math.max(0, Math.ceil(warning - (now - warnedAt) / 1000));
      const place = find("[data-seconds]", dialog);
      if (place.textContent !== String(left)) {
        place.textContent = String(left);
        // Said at the beginning and at the end only: a voice that counts every second is no help.
        if (left === warning || left === 10 || left === 5) announce(String(find("#still-text", dialog).textContent));
      }
      if (!left) { warnedAt = 0; wipe(); }
    }
  }, 500);
})();
