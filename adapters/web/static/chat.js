/* The chat of a consultation. The page works without this file; with it nothing has to be loaded anew.
   No library, no build: what stands here is what runs. docs/develop/web-protocol.md describes the protocol. */
"use strict";

/* The line to the server: WebSocket, else server-sent events, else polling. Keeps what is not acknowledged and sends it
   again, with the same id, until it is. `host` is the page and what a browser has, so that it can be tried without one;
   types.d.ts describes it. */
/** @param {Host} host */
function openLine(host) {
  const KINDS = [socket, events, poll];
  /** @type {Words[]} */
  const queue = [];
  let epoch = host.epoch, after = host.after, kind = 0, proven = -1, failures = 0, isUp = false, over = "";
  /** @type {Close | null} */
  let close = null;
  let retry = /** @type {Timer} */ (null), resend = /** @type {Timer} */ (null);

  /** @param {string} [more] */
  function query(more) {
    return "?after=" + after + "&epoch=" + encodeURIComponent(epoch) + (more || "");
  }

  /** @param {ServerData} data */
  function hear(data) {
    if (data.epoch) {
      if (data.epoch !== epoch) {
        epoch = data.epoch;
        after = 0;
        host.clear();
      }
      if (!isUp) {
        isUp = true;
        proven = kind;
        failures = 0;
        host.line("online");
        flush();
      }
    }
    (data.entries || [/** @type {LogEntry} */ (data)]).forEach(entry => {
      if (entry.seq > after && ("text" in entry || "own" in entry)) {
        after = entry.seq;
        host.show(entry);
      }
    });
    if (data.ack) settle(data.ack);
    if (data.error) refuse(data);
  }

  /** @param {string} id */
  function settle(id) {
    if (!queue.length || queue[0].id !== id) return;
    queue.shift();
    host.clearTimeout(resend);
    host.sent(id);
    flush();
  }

  /** @param {ServerData} data */
  function refuse(data) {
    const text = data.text || "";
    if (data.id && queue.length && queue[0].id === data.id) {
      host.clearTimeout(resend);
      if (data.retry) {
        resend = host.setTimeout(flush, data.retry * 1000);
        host.trouble(text);
      } else {
        drop(text);
        flush();
      }
    } else if (!data.id) {
      host.trouble(text);
      // Waiting does not help: no conversation, no such consultation, over.
      if (/^(session|unknown|closed)$/.test(data.error || "")) {
        over = text;
        queue.splice(0).forEach(words => host.refused(words, over));
      }
      if (data.retry) failures = Math.max(failures, 4);
    }
  }

  /** @param {string} text */
  function drop(text) {
    const words = queue.shift();
    if (words) host.refused(words, text);
  }

  /* One message at a time, so that they arrive in their order. */
  function flush() {
    host.clearTimeout(resend);
    if (!queue.length || !isUp || over || !close) return;
    const words = JSON.stringify(queue[0]);
    // A line that is half dead says nothing at all: after a while it is taken for broken.
    resend = host.setTimeout(lost, 30000);
    if (close.send) return close.send(words);
    host.fetch(host.endpoint + "/say", {
      method: "POST", credentials: "same-origin", body: words, headers: {"Content-Type": "application/json"}
    }).then(response => response.json()).then(hear, lost);
  }

  function lost() {
    if (close) close();
    close = null;
    host.clearTimeout(resend);
    host.clearTimeout(retry);
    if (over) return;
    host.line("offline");
    // Something on the way may not let this kind through. One that worked before gets more time: the server restarts.
    if (!isUp && ++failures % (proven === kind ? 6 : 2) === 0) kind = (kind + 1) % KINDS.length;
    isUp = false;
    // Spread out: after a restart of the server nobody should come at the same moment as everybody.
    retry = host.setTimeout(connect, Math.min(30000, 500 * Math.pow(2, failures)) * (0.5 + host.random()));
  }

  function connect() {
    host.clearTimeout(retry);
    if (kind === 0 && !host.WebSocket) kind = 1;
    if (kind === 1 && !host.EventSource) kind = 2;
    close = KINDS[kind]();
  }

  /** @returns {Close} */
  function socket() {
    const Socket = /** @type {NonNullable<Host["WebSocket"]>} */ (host.WebSocket);
    const ws = new Socket(host.endpoint.replace(/^http/, "ws") + "/ws" + query());
    let isOpen = true;
    ws.onmessage = event => isOpen && hear(JSON.parse(event.data));
    ws.onclose = event => {
      if (!isOpen) return;
      isOpen = false;
      // Too large for the line: sent again it would be too large again.
      if (event.code === 1009) drop("");
      lost();
    };
    const end = () => {
      isOpen = false;
      ws.close();
    };
    /** @param {string} words */
    end.send = words => { if (ws.readyState === 1) ws.send(words); };
    return end;
  }

  /** @returns {Close} */
  function events() {
    const Source = /** @type {NonNullable<Host["EventSource"]>} */ (host.EventSource);
    const source = new Source(host.endpoint + "/events" + query());
    source.onmessage = event => hear(JSON.parse(event.data));
    source.onerror = lost;
    return () => {
      source.onerror = null;
      source.close();
    };
  }

  /** @returns {Close} */
  function poll() {
    let isOpen = true;
    (function ask() {
      host.fetch(host.endpoint + "/poll" + query(isUp ? "&wait=25" : ""), {credentials: "same-origin"})
        .then(response => response.json())
        .then(data => {
          if (!isOpen) return;
          hear(data);
          if (data.error) lost();
          else ask();
        })
        .catch(() => isOpen && lost());
    })();
    return () => { isOpen = false; };
  }

  connect();
  return {
    /** @param {Words} words */
    say(words) {
      if (over) return host.refused(words, over);
      queue.push(words);
      if (queue.length === 1) flush();
    },
    waiting: () => queue,
    /* The browser believes there is a line again, or somebody looks at the page again. */
    wake() {
      if (isUp || over) return;
      if (close) close();
      failures = 0;
      connect();
    }
  };
}

/** @param {HTMLElement} main */
function startChat(main) {
  /** @param {string} selector @param {ParentNode} [inside] @returns {HTMLElement | null} */
  const seek = (selector, inside) => (inside || main).querySelector(selector);
  /** What the page always has.
      @param {string} selector @param {ParentNode} [inside] */
  const find = (selector, inside) => /** @type {HTMLElement} */ (seek(selector, inside));
  const log = find("#log"), form = find("#say"), replies = find(".replies", form);
  const text = /** @type {HTMLTextAreaElement} */ (find("textarea", form));
  const status = find("#status"), words = main.dataset;
  const page = words.language || document.documentElement.lang;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  /** @type {string | null} */
  let tapped = null;
  /** @type {Spoken | null} */
  let spoken = null;
  let hasSaid = false, isFollowing = false;
  const noTimer = /** @type {Timer} */ (null);
  let scrollTimer = noTimer, lineTimer = noTimer, statusTimer = noTimer;

  /* Only what the bot says is announced, and without the buttons: a log with buttons in it is read twice by some. */
  const announcer = document.createElement("div");
  announcer.className = "hidden";
  announcer.setAttribute("aria-live", "polite");
  /** @type {HTMLElement} */ (log.parentNode).setAttribute("aria-live", "off");
  main.appendChild(announcer);

  /** @param {BotEntry} entry */
  function announce(entry) {
    const line = document.createElement("p");
    line.lang = entry.language;
    line.dir = entry.dir;
    line.textContent = [entry.text].concat(entry.images.map(image => image.text)).join("\n");
    while (announcer.childNodes.length > 3 && announcer.firstChild) announcer.firstChild.remove();
    announcer.appendChild(line);
  }

  /** @param {string} [sentence] @param {number} [seconds] */
  function note(sentence, seconds) {
    stop(statusTimer);
    if (status.textContent !== sentence) status.textContent = sentence || "";
    if (seconds) statusTimer = setTimeout(() => { status.textContent = ""; }, seconds * 1000);
  }

  /** @param {Timer} timer */
  function stop(timer) {
    if (timer) clearTimeout(timer);
  }

  /** @param {string} template */
  function copy(template) {
    const content = /** @type {HTMLTemplateElement} */ (find(template)).content;
    return /** @type {HTMLElement} */ (document.importNode(content, true).firstElementChild);
  }

  /** @param {string} id */
  const ownItem = id => seek('li[data-id="' + id + '"]', log);

  /** @param {string} kind @param {string} content */
  function bubble(kind, content) {
    const item = copy("#message");
    item.className = kind + " fresh";
    find(".hidden", item).textContent = (kind === "bot" ? words.textBot : words.textOwn) || "";
    find(".text", item).textContent = content;
    log.appendChild(item);
    return item;
  }

  /* With its size, so that nothing moves when it arrives. */
  /** @param {ChatImage} image */
  function figureOf(image) {
    const figure = copy("#image"), shown = /** @type {HTMLImageElement} */ (find("img", figure));
    const caption = find("figcaption", figure);
    shown.width = image.width;
    shown.height = image.height;
    shown.alt = image.alt;
    shown.src = image.source;
    if (image.number) caption.textContent = String(image.number);
    else caption.remove();
    return figure;
  }

  /** @param {LogEntry} entry */
  function show(entry) {
    const old = document.getElementById("latest");
    if (old) old.removeAttribute("id");
    if ("own" in entry) {
      const item = ownItem(entry.id) || bubble("own", entry.own);
      item.dataset.seq = String(entry.seq);
      item.dir = "auto";
      return;
    }
    const item = bubble("bot", entry.text);
    item.id = "latest";
    item.dataset.seq = String(entry.seq);
    item.lang = entry.language;
    item.dir = entry.dir;
    const waiting = seek("#waiting");
    if (waiting) waiting.remove();
    entry.images.forEach(image => item.append(figureOf(image)));
    addVoice(item, entry);
    follow(item, entry);
    offer(entry);
  }

  /* After a tap the focus goes to the first thing the bot says to it, which is then read anyway. It never moves while
     somebody writes, nor when the bot speaks without being asked. */
  /** @param {HTMLElement} item @param {BotEntry} entry */
  function follow(item, entry) {
    const isHere = tapped && !text.value && document.activeElement !== text;
    if (isHere && tapped !== "moved" && !entry.quick_replies.some(reply => reply.token === tapped)) {
      tapped = "moved";
      item.tabIndex = -1;
      item.focus({preventScroll: true});
    } else {
      announce(entry);
    }
    if (!isFollowing) return;
    isFollowing = false;
    stop(scrollTimer);
    scrollTimer = setTimeout(() => {
      form.scrollIntoView({block: "end", behavior: "auto"});
      item.scrollIntoView({block: "nearest", behavior: calm ? "auto" : "smooth"});
    }, 80);
  }

  /* Buttons that are offered again stay where they are: a press that has begun, or is on its way, is kept. */
  /** @param {BotEntry} entry */
  function offer(entry) {
    const active = /** @type {HTMLButtonElement | null} */ (document.activeElement);
    const held = active && replies.contains(active) ? active.value : tapped;
    const standing = /** @type {HTMLButtonElement[]} */ (Array.from(replies.children)), isMany = /^(many|order)$/.test(entry.expects);
    const buttons = entry.quick_replies.map(reply => {
      const known = standing.find(it => it.value === reply.token);
      const button = known || /** @type {HTMLButtonElement} */ (copy("#reply")), number = seek(".n", button);
      button.value = reply.token;
      button.lang = entry.language;
      if (!isMany || !reply.number) button.removeAttribute("aria-pressed");
      else if (!line.waiting().some(it => it.choice === reply.token)) button.setAttribute("aria-pressed", String(reply.chosen));
      if (!reply.number && number) number.remove();
      else if (number) number.textContent = String(reply.number);
      labelOf(button).textContent = reply.label;
      return button;
    });
    standing.forEach(it => buttons.includes(it) || it.remove());
    buttons.forEach((button, place) => {
      const there = replies.children[place] || null;
      if (there !== button) replies.insertBefore(button, there);
      if (held === button.value) button.focus({preventScroll: true});
    });
    text.setAttribute("inputmode", entry.expects === "number" ? "numeric" : "text");
    if (hasSaid && entry.language !== page) setTimeout(() => followLanguage(entry.language), 400);
  }

  /** @param {HTMLElement} button */
  const labelOf = button => /** @type {Element} */ (button.lastElementChild);

  /* The page's own words follow the language of the conversation; never in the middle of a sentence, and once only. */
  /** @param {string} language */
  function followLanguage(language) {
    if (text.value || line.waiting().length) return;
    try {
      if (sessionStorage.getItem("lang") === language) return;
      sessionStorage.setItem("lang", language);
      sessionStorage.setItem("reloaded", "1");
      location.reload();
    } catch (fault) {
      // Without a memory it could go on for ever: rather stay.
    }
  }

  /* One sound at a time: a person who recorded the text, else the browser's voice, else that of the house. */
  /** @param {HTMLElement} item @param {BotEntry | null} entry */
  function addVoice(item, entry) {
    const player = seek("audio", item), source = (entry ? entry.audio || entry.speak : player && player.getAttribute("src")) || "";
    if (player && player.parentElement) player.parentElement.remove();
    /** @type {SpeechSynthesis | undefined} */
    const synth = window.speechSynthesis, isRecorded = source.startsWith("/media/");
    if (!source && !synth) return;
    const tools = copy("#aloud"), button = /** @type {HTMLButtonElement} */ (tools.firstElementChild);
    button.onclick = () => {
      const isStop = spoken && spoken.button === button;
      hush();
      if (isStop) return;
      /** @type {Spoken} */
      const mine = spoken = {button: button};
      const lang = item.lang.replace(/-.*/, "");
      const hasVoice = synth && synth.getVoices().some(voice => voice.lang.toLowerCase().split(/[-_]/)[0] === lang);
      const play = () => {
        const sound = mine.sound = new Audio(source);
        sound.onended = end;
        const failed = once(next);
        sound.onerror = failed;
        (sound.play() || Promise.resolve()).catch(failed);
      };
      const speak = () => {
        const speech = mine.speech = new SpeechSynthesisUtterance(sayable(item, entry));
        speech.lang = lang;
        const failed = speech.onerror = once(next);
        speech.onend = end;
        // Where there is no voice some browsers say nothing at all, not even that.
        const patience = setTimeout(failed, 4000);
        speech.onstart = () => clearTimeout(patience);
        if (synth) synth.speak(speech);
      };
      // A browser may name no voice and have one all the same: worth a try, when there is nothing better.
      /** @type {unknown[]} */
      const ways = [isRecorded && play, hasVoice && speak, source && !isRecorded && play, synth && !hasVoice && speak];
      const end = () => { if (spoken === mine) hush(); };
      const next = () => {
        if (spoken !== mine) return;
        while (ways.length) {
          const way = ways.shift();
          if (typeof way === "function") return way();
        }
        hush();
        note(words.textNoSound, 5);
      };
      button.setAttribute("aria-pressed", "true");
      button.title = words.textStop || "";
      next();
    };
    item.append(tools);
  }

  /** @param {() => void} act */
  function once(act) {
    let isDone = false;
    return () => {
      if (!isDone) act();
      isDone = true;
    };
  }

  function hush() {
    if (!spoken) return;
    const last = spoken;
    spoken = null;
    last.button.setAttribute("aria-pressed", "false");
    last.button.title = "";
    if (last.sound) last.sound.pause();
    if (last.speech) speechSynthesis.cancel();
  }

  /* What a voice reads out: the words and the answers offered, without boxes, arrows and emoji. */
  /** @param {HTMLElement} item @param {BotEntry | null} entry */
  function sayable(item, entry) {
    const labels = entry ? entry.quick_replies.map(reply => (reply.number ? reply.number + ": " : "") + (reply.spoken || reply.label))
      : item.id === "latest" ? Array.from(replies.children, button => String(button.textContent).replace(/^(\d+) /, "$1: ")) : [];
    const images = Array.from(item.querySelectorAll("img"), image => image.alt);
    return [find(".text", item).textContent].concat(images, labels).join("\n")
      .replace(/[\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2b00-\u2bff\u20e3\ufe0f]|[\ud83c-\ud83e][\udc00-\udfff]/g, " ")
      .replace(/([^\s.!?:;…؟])[ \t]*\n/g, "$1.\n");
  }

  /** @param {{text: string} | {choice: string}} content @param {string} shown */
  function say(content, shown) {
    const id = Date.now().toString(36) + "-" + Math.random().toString(36).slice(2, 12);
    const message = Object.assign({id: id, shown: shown}, content);
    const item = bubble("own unsent", shown);
    item.dataset.id = message.id;
    item.dir = "auto";
    isFollowing = hasSaid = true;
    setTimeout(() => line.waiting().includes(message) && note(words.textSending), 700);
    line.say(message);
  }

  main.addEventListener("submit", event => {
    const from = /** @type {HTMLFormElement} */ (event.target);
    if (from.getAttribute("action") !== form.getAttribute("action")) return;
    event.preventDefault();
    const button = /** @type {HTMLButtonElement} */ (document.activeElement);
    const sender = from.contains(button) && button.type === "submit" ? button : null;
    const pressed = /** @type {HTMLButtonElement | null} */ (event.submitter) || sender;
    if (pressed && pressed.name === "choice") {
      const isToggle = pressed.hasAttribute("aria-pressed");
      // Once is enough: until the bot has answered, a second tap on the same question would be one too many.
      if (!isToggle && line.waiting().some(message => message.choice)) return;
      tapped = pressed.value;
      if (isToggle) pressed.setAttribute("aria-pressed", String(pressed.getAttribute("aria-pressed") !== "true"));
      // The box on the button tells how it was before the tap.
      say({choice: pressed.value}, String(labelOf(pressed).textContent).replace(/^[☐☑] /, ""));
      return;
    }
    const field = /** @type {HTMLInputElement} */ (from.elements.namedItem("text")), content = field.value;
    tapped = from === form ? null : "help";
    if (!content.trim()) return field.focus();
    if (from === form) field.value = "";
    say({text: content}, content);
  });

  text.addEventListener("keydown", event => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    find(".write button", form).click();
  });

  const line = openLine({
    endpoint: location.origin + words.endpoint,
    epoch: words.epoch || "",
    after: Number(words.after) || 0,
    WebSocket: window.WebSocket,
    EventSource: window.EventSource,
    fetch: (url, options) => fetch(url, options),
    setTimeout: (act, wait) => setTimeout(act, wait),
    clearTimeout: stop,
    random: Math.random,
    show: show,
    clear() {
      Array.from(log.children).forEach(item => item.matches(".unsent") || item.remove());
    },
    sent(id) {
      const item = ownItem(id);
      if (item) item.classList.remove("unsent");
      if (status.textContent) note(words.textSent, 3);
    },
    refused(message, sentence) {
      const item = ownItem(message.id);
      if (item) item.remove();
      // What somebody wrote is theirs: it goes back to where it can be changed.
      if (message.text && !text.value) text.value = message.text;
      note(sentence || words.textFailed);
    },
    line(state) {
      if (state === "offline") {
        // Most breaks are over before anybody needs to know.
        lineTimer = lineTimer || setTimeout(() => note(words.textOffline), 1500);
        return;
      }
      stop(lineTimer);
      lineTimer = null;
      if (status.textContent === words.textOffline) note(words.textOnline, 3);
      else if (status.textContent === words.textConnecting) note("");
    },
    trouble: sentence => note(sentence)
  });

  Array.from(log.children).forEach(item => item.matches(".bot") && addVoice(/** @type {HTMLElement} */ (item), null));
  lineTimer = setTimeout(() => note(words.textConnecting), 1500);
  try {
    const latest = document.getElementById("latest");
    if (sessionStorage.getItem("reloaded") && latest) {
      latest.tabIndex = -1;
      latest.focus();
    }
    sessionStorage.removeItem("reloaded");
  } catch (fault) {
    // No memory, so nothing was remembered.
  }
  window.addEventListener("online", line.wake);
  document.addEventListener("visibilitychange", () => document.hidden || line.wake());
  window.addEventListener("pagehide", hush);
  window.addEventListener("beforeunload", event => {
    if (line.waiting().length) event.preventDefault();
  });
}

if (typeof module === "object") {
  module.exports = {openLine: openLine};
} else if (document.querySelector("main[data-chat] template")) {
  startChat(/** @type {HTMLElement} */ (document.querySelector("main[data-chat]")));
}
