// @ts-check
// Calls of the server, and what a failure means.

/**
 * `network`: no answer, or one that isn't the server's; `busy`: it may work later; `broken`: the server stumbled;
 * `signed_out`: sign in again; `conflict`: not in this state; `forbidden`: not for this account; `refused`: the content.
 * @typedef {"network" | "busy" | "broken" | "signed_out" | "conflict" | "forbidden" | "refused"} Kind
 */

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 without an answer
   * @param {any} data the problem as the server told it
   */
  constructor(message, status = 0, data = {}) {
    super(message);
    this.status = status;
    this.data = data;
    /** @type {Kind} */
    this.kind = kindOf(status, data);
  }
}

/**
 * @param {number} status
 * @param {any} data
 * @returns {Kind}
 */
function kindOf(status, data) {
  const type = String(data?.type ?? "");
  if (!status) return "network";
  if (status === 401 || type.endsWith("problem-csrf")) return "signed_out";
  if (status === 429 || status > 501) return "busy";
  if (status >= 500) return "broken";
  if (status === 409) return "conflict";
  return status === 403 || status === 404 ? "forbidden" : "refused";
}

/**
 * @param {string} method
 * @param {string} path
 * @param {any} [body]
 * @param {RequestInit} [options]
 * @returns {Promise<any>} the answer's JSON. Rejects with an `ApiError`.
 */
export async function call(method, path, body, options = {}) {
  /** @type {HTMLMetaElement | null} */
  const token = document.querySelector("meta[name=csrf-token]");
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") Object.assign(headers, { "Content-Type": "application/json", "X-CSRF-Token": token?.content ?? "" });
  let response, data;
  try {
    response = await fetch(path, { method, credentials: "same-origin", headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
  } catch {
    throw new ApiError("连不上服务器");
  }
  try { data = await response.json(); } catch { data = null; }
  // A page instead of data: of this site it is the sign-in, of another one that of a network that wants a sign-in of its own.
  if (response.redirected) throw new ApiError("登录已过期", response.url.includes("/login") ? 401 : 0);
  if (response.ok && data === null) throw new ApiError("连不上服务器");
  if (!response.ok) throw new ApiError(data?.detail || "服务器没有收下", response.status, data ?? {});
  return data;
}

/**
 * Sends a batch and, where the server refuses it or stumbles over it, its halves, so that one bad item never blocks the
 * others. A server that stumbles over everything isn't asked for each item.
 * @template T
 * @param {T[]} batch
 * @param {(items: T[]) => Promise<any>} put
 * @param {(item: T, error: any) => void} bad called for each item that can't be sent
 */
export async function sendInParts(batch, put, bad) {
  let stumbles = 0;
  /** @param {T[]} items */
  async function part(items) {
    try {
      await put(items);
    } catch (/** @type {any} */ error) {
      if (error.kind !== "refused" && error.kind !== "broken") throw error;
      if (items.length > 1) {
        const half = items.length >> 1;
        await part(items.slice(0, half));
        await part(items.slice(half));
        return;
      }
      if (error.kind === "broken" && ++stumbles > 2) throw error;
      bad(items[0], error);
    }
  }
  if (batch.length) await part(batch);
}
