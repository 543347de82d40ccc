// Takes the code from behind the # of a scanned address into the field, and off the address bar.
(() => {
  const field = /** @type {HTMLInputElement | null} */ (document.getElementById("code"));
  const code = decodeURIComponent(location.hash.slice(1));
  if (!field || !/^[0-9A-Za-z-]{16,24}$/.test(code)) return;
  field.value = code;
  history.replaceState(null, "", location.pathname + location.search);
})();
