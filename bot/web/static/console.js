"use strict";
/* Passkeys: shows the form where the browser offers them, and sends what the authenticator answers. */
(() => {
  const area = /** @type {HTMLElement | null} */ (document.querySelector("[data-passkey]"));
  const isOffered = "PublicKeyCredential" in window && "parseCreationOptionsFromJSON" in PublicKeyCredential;
  if (!area || !isOffered) return;
  const form = /** @type {HTMLFormElement} */ (area instanceof HTMLFormElement ? area : area.closest("form"));
  const button = /** @type {HTMLButtonElement} */ (area.querySelector("button"));
  const response = /** @type {HTMLInputElement} */ (area.querySelector("[name=response]"));
  area.hidden = false;

  /** @returns {Promise<Credential | null>} */
  const ask = () => {
    const options = JSON.parse(area.dataset.options || "{}");
    if (area.dataset.passkey === "get") {
      return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
    }
    const name = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("name"));
    if (name) options.user.name = options.user.displayName = name.value;
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  };

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    const name = /** @type {HTMLInputElement | null} */ (form.elements.namedItem("name"));
    if (name && !name.reportValidity()) return;
    button.disabled = true;
    try {
      const found = /** @type {PublicKeyCredential | null} */ (await ask());
      if (!found) return;
      response.value = JSON.stringify(found.toJSON());
      form.submit();
    } catch {
      button.disabled = false; // the person closed the dialog, or the device refused
    }
  });
})();
