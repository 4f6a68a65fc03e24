// @ts-check
// A device's own key as the second step (WebAuthn): makes one on the account page, signs with it when signing in.
const box = document.getElementById("by-key");

/** @param {string} text */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
/** @param {ArrayBuffer} buffer */
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
/** @param {any[]} [keys] */
const listed = (keys) => (keys || []).map((k) => ({ ...k, id: bytes(k.id) }));

/** @param {any} asked */
async function made(asked) {
  const own = /** @type {any} */ (await navigator.credentials.create({ publicKey: {
    ...asked, challenge: bytes(asked.challenge), user: { ...asked.user, id: bytes(asked.user.id) },
    excludeCredentials: listed(asked.excludeCredentials),
  } }));
  const { clientDataJSON, attestationObject } = own.response;
  return { id: own.id, rawId: text(own.rawId), type: own.type, response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) } };
}

/** @param {any} asked */
async function signed(asked) {
  const own = /** @type {any} */ (await navigator.credentials.get({ publicKey: { ...asked, challenge: bytes(asked.challenge), allowCredentials: listed(asked.allowCredentials) } }));
  const { clientDataJSON, authenticatorData, signature } = own.response;
  return { id: own.id, rawId: text(own.rawId), type: own.type, response: { clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature) } };
}

/** @param {HTMLElement} place */
async function run(place) {
  const words = /** @type {HTMLElement} */ (place.querySelector("[role=alert]")), button = /** @type {HTMLButtonElement} */ (place.querySelector("button"));
  const { ask = "", tell = "", make, token = "" } = place.dataset;
  words.textContent = "";
  button.disabled = true;
  try {
    const question = await fetch(ask, { credentials: "same-origin" });
    if (!question.ok) throw new Error();
    const asked = await question.json();
    const name = /** @type {HTMLInputElement | null} */ (document.getElementById("key-name"))?.value;
    const body = make ? { answer: await made(asked), name } : await signed(asked);
    const answer = await fetch(tell, {
      method: "POST", credentials: "same-origin", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token },
    });
    const told = await answer.json();
    if (told.next) { location.assign(told.next); return; }
    words.textContent = told.refused;
  } catch (/** @type {any} */ error) {
    words.textContent = error.name === "InvalidStateError" ? "这台设备已经加过了" : "没有成功，请再试一次";
  }
  button.disabled = false;
}

if (box && window.PublicKeyCredential) {
  box.hidden = false;
  box.querySelector("button")?.addEventListener("click", () => run(box));
}
