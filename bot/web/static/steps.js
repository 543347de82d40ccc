"use strict";
/* One question after another without loading pages: forms are sent from here, and the next question replaces `main`.
   Without this file each question is a page of its own. What is typed stays in this tab until it has arrived. */
(() => {
  const DEAF = 450; // a tap this soon after a new view was meant for the one before
  const ALONE = 300; // a single answer is sent after this, so that a slip can be corrected
  const AGAIN = 3000;
  const main = /** @type {HTMLElement} */ (document.querySelector("main.asks"));
  if (!main) return;
  const slug = location.pathname.split("/")[2];
  const kept = sessionStorage;
  let deaf = 0, isSending = false, isByKey = false, alone = 0, later = 0;
  let tryAgain = () => {};

  /** @param {string} name */
  const text = (name) => main.dataset[name] || "";
  /** @param {string} said @param {boolean} [stays] */
  const note = (said, stays) => { document.dispatchEvent(new CustomEvent("asks:note", { detail: { text: said, stays } })); };
  const field = () => /** @type {HTMLTextAreaElement | null} */ (main.querySelector("textarea#text"));
  const draftName = () => `draft:${slug}:${main.dataset.url}`;
  const queueName = `unsent:${slug}`;

  const beDeaf = () => {
    clearTimeout(deaf);
    main.dataset.deaf = "";
    deaf = setTimeout(() => { delete main.dataset.deaf; }, DEAF);
  };
  document.addEventListener("click", (event) => {
    const isTap = event.isTrusted && event.detail > 0 && main.contains(/** @type {Node} */ (event.target));
    if (!isTap || !("deaf" in main.dataset)) return;
    beDeaf(); // as long as somebody goes on tapping
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener("keydown", () => { isByKey = true; }, true);
  document.addEventListener("pointerdown", () => { isByKey = false; }, true);

  /** Where one goes on: what is wrong, the field, by keyboard the first answer, else the question. */
  const focus = () => {
    const heading = /** @type {HTMLElement | null} */ (main.querySelector("#h"));
    const answer = /** @type {HTMLElement | null} */ (
      main.querySelector("#answers :checked") || main.querySelector("#answers :is(input:not([type=hidden]), button), .vote, .go"));
    const to = document.getElementById("fault") || field() || (isByKey && answer) || heading;
    if (!to) return;
    if (to === heading) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  };

  /** The question read aloud, then each answer, which is marked meanwhile. */
  const listen = () => {
    const voice = window.speechSynthesis, ask = main.querySelector(".ask");
    if (!voice || !ask || main.querySelector(".tools audio") || !text("listen")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "listen";
    button.textContent = "\u{1F50A}";
    button.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-label", `${text("listen")}: ${/** @type {HTMLElement} */ (main.querySelector("#h")).innerText}`);
    const quiet = () => {
      button.setAttribute("aria-pressed", "false");
      main.querySelectorAll(".spoken").forEach((it) => it.classList.remove("spoken"));
    };
    button.addEventListener("click", () => {
      const isOn = button.getAttribute("aria-pressed") === "true";
      voice.cancel();
      quiet();
      if (isOn) return;
      const parts = [ask, ...main.querySelectorAll(".pick label, .pick > button, .vote")];
      button.setAttribute("aria-pressed", "true");
      parts.forEach((part, number) => {
        const words = new SpeechSynthesisUtterance((/** @type {HTMLElement} */ (part)).innerText.replace("\u{1F50A}", ""));
        words.lang = document.documentElement.lang.slice(0, 2);
        words.onstart = () => { if (number) part.classList.add("spoken"); };
        words.onend = words.onerror = () => {
          part.classList.remove("spoken");
          if (number === parts.length - 1) quiet();
        };
        voice.speak(words);
      });
    });
    ask.prepend(button);
  };

  const draft = () => {
    const area = field();
    if (!area) return;
    const before = kept.getItem(draftName());
    if (before && !area.value) {
      area.value = before;
      area.dispatchEvent(new Event("input"));
      note(text("draft"));
    }
    area.addEventListener("input", () => kept.setItem(draftName(), area.value));
  };

  const view = () => {
    clearTimeout(alone);
    beDeaf();
    listen();
    draft();
  };

  /** Puts the next question into the page; any other page is opened. @param {string} html @param {boolean} isNew */
  const swap = (html, isNew) => {
    const page = new DOMParser().parseFromString(html, "text/html"), next = page.querySelector("main.asks");
    if (!(next instanceof HTMLElement) || page.documentElement.lang !== document.documentElement.lang) return false;
    const url = next.dataset.url || location.href, isOther = url !== main.dataset.url;
    if (window.speechSynthesis) window.speechSynthesis.cancel();
    document.title = page.title;
    main.replaceChildren(...next.childNodes);
    for (const [name, value] of Object.entries(next.dataset)) main.dataset[name] = value;
    if (isNew && isOther) history.pushState(null, "", url);
    document.dispatchEvent(new Event("asks:view"));
    view();
    scrollTo(0, 0);
    focus();
    return true;
  };

  /** @param {string} url */
  const open = (url) => fetch(url, { credentials: "same-origin" })
    .then(async (answer) => { if (!swap(await answer.text(), false)) location.assign(answer.url); })
    .catch(() => location.assign(url));

  /** Sends what a form says; keeps it until it has arrived. @param {HTMLFormElement} form @param {string} body */
  const send = (form, body) => {
    if (isSending) return;
    clearTimeout(later); // another answer takes the place of the one that waits
    isSending = true;
    const draft = draftName(), slow = setTimeout(() => note(text("sending"), true), 500);
    kept.setItem(queueName, JSON.stringify([main.dataset.url, body]));
    /** @param {string} why */
    const again = (why) => {
      isSending = false;
      note(text(why), true);
      tryAgain = () => { if (form.isConnected) send(form, body); };
      later = setTimeout(tryAgain, AGAIN);
    };
    fetch(form.action, {
      method: "POST", body: new URLSearchParams(body), credentials: "same-origin", headers: { "X-Swap": "1" },
    }).then(async (answer) => {
      if ([429, 502, 503, 504].includes(answer.status)) { again(answer.status === 503 ? "held" : "offline"); return; }
      const html = await answer.text();
      kept.removeItem(queueName);
      isSending = false;
      tryAgain = () => {};
      if (answer.ok && !html.includes("id=\"fault\"")) kept.removeItem(draft);
      if (!swap(html, true)) location.assign(main.dataset.url || location.href);
      else if (answer.ok && !main.querySelector("#fault") && !new URLSearchParams(body).has("do")) note(text("saved"));
    }, () => again("offline")).finally(() => clearTimeout(slow));
  };

  addEventListener("submit", (event) => {
    const form = /** @type {HTMLFormElement} */ (event.target);
    const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
    const action = button && button.hasAttribute("formaction") ? button.formAction : form.action;
    if (!main.contains(form) || !new URL(action).pathname.endsWith("/form")) return;
    event.preventDefault();
    const body = new URLSearchParams();
    new FormData(form).forEach((value, name) => body.append(name, String(value)));
    if (button && button.name) body.append(button.name, button.value);
    send(form, String(body));
  });

  main.addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    if (box.type !== "radio" || !box.closest("[data-one]") || isByKey || main.querySelector("[name=mark]")) return;
    clearTimeout(alone);
    alone = setTimeout(() => { if (box.form) box.form.requestSubmit(); }, ALONE);
  });

  main.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a[href*='/form?q=']");
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    open(link.href);
  });
  addEventListener("online", () => tryAgain());
  addEventListener("pageshow", (event) => { if (event.persisted) open(location.href); });
  addEventListener("popstate", () => open(location.href));
  document.addEventListener("keydown", (event) => {
    const fold = event.key === "Escape" && /** @type {Element} */ (event.target).closest("details[open]");
    if (!(fold instanceof HTMLDetailsElement)) return;
    fold.open = false;
    /** @type {HTMLElement} */ (fold.querySelector("summary")).focus();
  });

  /** What waited when the page was loaded anew: sent now, if it is still this question. */
  const resume = () => {
    const waiting = JSON.parse(kept.getItem(queueName) || "null"), form = document.getElementById("q");
    kept.removeItem(queueName);
    if (!waiting || waiting[0] !== main.dataset.url || !(form instanceof HTMLFormElement)) return;
    const body = new URLSearchParams(waiting[1]), now = new FormData(form);
    for (const name of ["csrf", "at"]) body.set(name, String(now.get(name)));
    send(form, String(body));
  };
  view();
  // Begun at the door: one goes on here. Somebody who opens a link reads the page from its top.
  if (document.referrer.split("?")[0].endsWith(`/c/${slug}`)) focus();
  resume();
})();
