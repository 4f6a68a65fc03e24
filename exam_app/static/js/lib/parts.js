// @ts-check

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
