"use strict";
/* Widgets of questions: chips, places in order, points, districts by name, a counter. Each only fills the fields that the
   page has without it, so a form is always sent as one answer. Runs again for each view (`asks:view`). */
(() => {
  /** @template {Element} T @param {string} selector @param {ParentNode} [inside] @returns {T[]} */
  const all = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));
  /** @param {string} text @param {string} value */
  const filled = (text, value) => text.replace("#", value);
  /** @param {string} name @param {string} [kind] @returns {HTMLElement} */
  const made = (name, kind) => {
    const element = document.createElement(name);
    if (kind) element.className = kind;
    return element;
  };
  /** @param {string} text @param {string} label */
  const button = (text, label) => {
    const it = /** @type {HTMLButtonElement} */ (made("button"));
    it.type = "button";
    it.textContent = text;
    if (label) it.setAttribute("aria-label", label);
    return it;
  };

  let clearing = 0;
  /** Says one line in the bar; it goes away, unless it waits for something. @param {string} text @param {boolean} [stays] */
  const note = (text, stays) => {
    const line = document.querySelector("[data-status]");
    if (!line) return;
    line.textContent = text;
    clearTimeout(clearing);
    if (!stays) clearing = setTimeout(() => { line.textContent = ""; }, 6000);
  };
  document.addEventListener("asks:note", (event) => {
    const { text, stays } = /** @type {CustomEvent} */ (event).detail;
    note(text, stays);
  });

  /** An option that excludes the others takes their ticks away, and the other way round. @param {HTMLElement} group */
  const many = (group) => group.addEventListener("change", (event) => {
    const box = /** @type {HTMLInputElement} */ (event.target);
    if (!box.checked) return;
    for (const other of /** @type {HTMLInputElement[]} */ (all("[name=choice]", group))) {
      if (other !== box && (box.matches("[data-alone]") || other.matches("[data-alone]"))) other.checked = false;
    }
  });

  /** How much may still be written; said aloud near the end. @param {HTMLTextAreaElement} field */
  const counter = (field) => {
    const line = document.getElementById("count"), aloud = document.getElementById("count-aloud");
    const limit = Number(field.dataset.limit);
    const draw = () => {
      const left = limit - Array.from(field.value).length;
      const said = left < 0 ? filled(field.dataset.over || "", String(-left)) : filled(field.dataset.left || "", String(left));
      if (line) line.textContent = said;
      if (line) line.classList.toggle("much", left < 0);
      if (aloud && left < 50) aloud.textContent = said;
    };
    field.addEventListener("input", draw);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field.form) field.form.requestSubmit();
    });
    draw();
  };

  /** A handle by which a row is drawn up or down; the others make room. @param {HTMLElement} row
   @param {() => void} begin @param {() => void} end */
  const drag = (row, begin, end) => {
    const grip = made("span", "grip");
    let isDragged = false;
    grip.setAttribute("aria-hidden", "true");
    row.append(grip);
    /** @param {Element | null} it */
    const middle = (it) => { const box = it && it.getBoundingClientRect(); return box ? box.top + box.height / 2 : NaN; };
    /** @param {number} y */
    const over = (y) => {
      while (y < middle(row.previousElementSibling)) row.after(/** @type {Element} */ (row.previousElementSibling));
      while (y > middle(row.nextElementSibling)) row.before(/** @type {Element} */ (row.nextElementSibling));
    };
    grip.addEventListener("pointerdown", (event) => {
      if (!event.isPrimary || event.button) return;
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      isDragged = true;
      row.classList.add("held");
      begin();
    });
    grip.addEventListener("pointermove", (event) => { if (isDragged) over(event.clientY); });
    for (const kind of ["pointerup", "pointercancel"]) grip.addEventListener(kind, () => {
      if (!isDragged) return;
      isDragged = false;
      row.classList.remove("held");
      end();
    });
    grip.addEventListener("click", (event) => event.stopPropagation()); // not a tap on the row
  };

  /** The first tap is place 1; rows move only when they are drawn by their handle. @param {HTMLElement} group */
  const rank = (group) => {
    const { place = "", none = "" } = group.dataset;
    const how = group.querySelector("#how");
    if (how && group.dataset.how) how.textContent = group.dataset.how;
    const rows = /** @type {HTMLInputElement[]} */ (all("input[name^='number-']", group)).map((field) => {
      const label = /** @type {HTMLElement} */ (field.closest("label"));
      const words = /** @type {HTMLElement} */ (label.querySelector("span"));
      const row = button("", ""), sign = made("span", "place"), state = made("span", "hidden");
      sign.setAttribute("aria-hidden", "true");
      row.append(sign, words, state, field);
      label.replaceWith(row);
      field.type = "hidden";
      return { field, row, sign, state, name: words.innerText };
    });
    const list = rows.length ? /** @type {HTMLElement} */ (rows[0].row.parentElement) : group;
    let order = rows.filter((it) => Number(it.field.value)).sort((a, b) => Number(a.field.value) - Number(b.field.value));
    const draw = () => rows.forEach((it) => {
      const at = order.indexOf(it) + 1;
      it.field.value = at ? String(at) : "";
      it.row.setAttribute("aria-pressed", String(at > 0));
      it.sign.textContent = at ? String(at) : "";
      it.state.textContent = `, ${at ? filled(place, String(at)) : none}`;
    });
    rows.forEach((it) => it.row.addEventListener("click", () => {
      const at = order.indexOf(it);
      order = at < 0 ? [...order, it] : order.filter((other) => other !== it);
      draw();
      note(`${it.name}: ${at < 0 ? filled(place, String(order.length)) : none}`);
    }));
    // Drawn to a place, a row and all above it have one.
    rows.forEach((it) => drag(it.row, () => {
      const next = [...order, ...rows.filter((other) => !order.includes(other))], at = next.indexOf(it);
      next.slice(0, at).forEach((other) => it.row.before(other.row));
      next.slice(at + 1).reverse().forEach((other) => it.row.after(other.row));
    }, () => {
      const now = Array.from(list.children, (row) => /** @type {typeof rows[0]} */ (rows.find((other) => other.row === row)));
      const count = Math.max(now.indexOf(it) + 1, new Set([...order, it]).size);
      order = now.slice(0, count);
      draw();
      note(`${it.name}: ${filled(place, String(order.indexOf(it) + 1))}`);
    }));
    draw();
  };

  /** − n + and a track for many at once; too much is said, never taken away. @param {HTMLElement} group */
  const points = (group) => {
    const { less = "", more = "", over = "" } = group.dataset;
    const budget = Number(group.dataset.points), step = Number(group.dataset.step) || 1;
    const lines = (group.dataset.rest || "").split("\n").filter(Boolean);
    const rest = /** @type {HTMLElement | null} */ (group.querySelector(".rest"));
    const how = /** @type {HTMLElement | null} */ (group.querySelector("#how"));
    if (how && lines.length) how.hidden = true; // the rest says it
    const rows = /** @type {HTMLInputElement[]} */ (all("input[name^='number-']", group)).map((field) => {
      const label = /** @type {HTMLElement} */ (field.closest("label"));
      const words = /** @type {HTMLElement} */ (label.querySelector("span"));
      const name = words.innerText, row = made("div", "row"), taps = made("div", "taps");
      const minus = button("−", filled(less, name)), plus = button("+", filled(more, name));
      const track = /** @type {HTMLInputElement} */ (made("input"));
      Object.assign(track, { type: "range", min: "0", max: String(budget), step: String(step), tabIndex: -1 });
      track.setAttribute("aria-hidden", "true");
      label.replaceWith(row);
      field.setAttribute("aria-label", name);
      taps.append(minus, ...(lines.length ? [track] : []), plus);
      row.append(words, field, taps);
      return { field, minus, plus, track, name };
    });
    /** @param {HTMLInputElement} field */
    const value = (field) => Math.max(0, Math.floor(Number(field.value)) || 0);
    const left = () => budget - rows.reduce((sum, it) => sum + value(it.field), 0);
    const draw = () => {
      const now = left();
      for (const it of rows) {
        it.track.value = String(value(it.field));
        it.minus.setAttribute("aria-disabled", String(value(it.field) < step));
        it.plus.setAttribute("aria-disabled", String(now < step));
      }
      if (!rest || !lines.length) return;
      rest.hidden = false;
      rest.classList.toggle("much", now < 0);
      const said = now < 0 ? filled(over, String(-now)) : lines[Math.floor(now / step)];
      /** @type {HTMLElement} */ (rest.querySelector("output")).textContent = said;
    };
    /** @param {typeof rows[0]} it @param {number} change */
    const add = (it, change) => {
      const now = left(), before = value(it.field);
      if (change > 0 ? now < step : before < step) { note(lines.length ? lines[Math.max(0, Math.floor(now / step))] : ""); return; }
      it.field.value = String(before + change);
      draw();
      note(`${it.name}: ${it.field.value}`);
    };
    for (const it of rows) {
      it.minus.addEventListener("click", () => add(it, -step));
      it.plus.addEventListener("click", () => add(it, step));
      it.field.addEventListener("input", draw);
      it.track.addEventListener("input", () => {
        it.field.value = String(Math.min(Number(it.track.value), value(it.field) + left()));
        draw();
      });
    }
    draw();
  };

  /** @param {string} text */
  const folded = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/ß/g, "ss");

  /** A district by one of its names: at most five rows, the first one is taken by Enter. @param {HTMLInputElement} field */
  const places = (field) => {
    const radios = /** @type {HTMLInputElement[]} */ (all("[type=radio][name=choice]"));
    /** @type {Map<string, HTMLInputElement>} */
    const districts = new Map(radios.map((it) => [String(it.value.split(".").pop()), it]));
    /** @param {HTMLInputElement} radio */
    const label = (radio) => /** @type {HTMLElement} */ (radio.closest("label")).innerText.trim();
    const known = (field.dataset.places || "").split(";").flatMap((line) => {
      const [key, names] = line.split(":"), radio = districts.get(key);
      return radio ? [label(radio), ...names.split(",")].map((name) => ({ name, radio, plain: folded(name) })) : [];
    });
    const list = made("ul", "places");
    Object.assign(list, { id: "places", hidden: true });
    const about = { role: "listbox", "aria-labelledby": "h" };
    for (const [name, value] of Object.entries(about)) list.setAttribute(name, value);
    const own = { role: "combobox", "aria-controls": "places", "aria-expanded": "false", "aria-autocomplete": "list" };
    for (const [name, value] of Object.entries(own)) field.setAttribute(name, value);
    field.after(list);
    let at = 0, rows = /** @type {(HTMLElement & { radio: HTMLInputElement })[]} */ ([]);
    const draw = () => {
      rows.forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
      list.hidden = !rows.length;
      field.setAttribute("aria-expanded", String(rows.length > 0));
      if (rows.length) field.setAttribute("aria-activedescendant", rows[at].id);
      else field.removeAttribute("aria-activedescendant");
    };
    /** A name may stand for several districts: the row says which. @param {HTMLElement & { radio: HTMLInputElement }} row */
    const take = (row) => {
      field.value = "";
      row.radio.checked = true;
      rows = [];
      draw();
      if (field.form) field.form.requestSubmit();
    };
    field.addEventListener("input", () => {
      const wanted = folded(field.value.trim());
      for (const radio of radios) radio.checked = false;
      const found = wanted.length < 2 ? [] : [
        ...known.filter((it) => it.plain.startsWith(wanted)), ...known.filter((it) => it.plain.indexOf(wanted) > 0),
      ].slice(0, 5);
      at = 0;
      rows = found.map((it, number) => {
        const row = Object.assign(made("li"), { radio: it.radio, id: `place-${number}` }), district = made("small");
        row.setAttribute("role", "option");
        district.textContent = label(it.radio) === it.name ? "" : label(it.radio);
        row.append(it.name, district);
        row.addEventListener("click", () => take(row));
        return row;
      });
      list.replaceChildren(...rows);
      draw();
    });
    field.addEventListener("keydown", (event) => {
      if (!rows.length) return;
      const move = { ArrowDown: 1, ArrowUp: -1 }[event.key] || 0;
      if (move) at = (at + move + rows.length) % rows.length;
      if (event.key === "Escape") rows = [];
      if (move || event.key === "Escape" || event.key === "Enter") event.preventDefault();
      if (event.key === "Enter") take(rows[at]); else draw();
    });
    for (const radio of radios) radio.addEventListener("change", () => { field.value = ""; rows = []; draw(); });
  };

  /** What was removed by the other name of a group. @type {[string, (it: any) => void][]} */
  const kinds = [
    ["[data-many]", many], ["[data-limit]", counter], ["[data-rank]", rank], ["[data-points]", points], ["[data-places]", places],
  ];
  const view = () => { for (const [selector, make] of kinds) all(selector).forEach(make); };
  document.addEventListener("asks:view", view);
  view();
})();
