// What clients send and say they received, in a form that fits into a line of JSON even for
// messages of 16 MiB. Runs in Node and in a page.

// {type, block, size}: the first `size` bytes of `block` (base64) again and again.
export function payload(type, block, size = block.length) {
  return { type, block: Buffer.from(block).toString('base64'), size };
}

export function text(characters) {
  return payload('text', Buffer.from(characters));
}

export function bytesOf({ block, size }) {
  const unit = Uint8Array.from(atob(block), (character) => character.charCodeAt(0));
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += unit.length) {
    bytes.set(unit.subarray(0, Math.min(unit.length, size - at)), at);
  }
  return bytes;
}

export function textOf(what) {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(what));
}

export function concatenated(parts) {
  const all = new Uint8Array(parts.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const part of parts) {
    all.set(bytesOf(part), at);
    at += part.size;
  }
  return all;
}

const shownText = 4096; // bytes; a longer one is told by its hash

// What a client received as string or bytes: {type, size, sha256, text}. `subtle` is WebCrypto's.
export async function fingerprint(received, subtle) {
  const isText = typeof received === 'string';
  const bytes = isText ? new TextEncoder().encode(received) : new Uint8Array(received);
  const hash = new Uint8Array(await subtle.digest('SHA-256', bytes));
  const sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const seen = { type: isText ? 'text' : 'binary', size: bytes.length, sha256 };
  return isText && bytes.length <= shownText ? { ...seen, text: received } : seen;
}

// What has been received and not yet been asked for.
export class Inbox {
  #items = [];
  #waiting = [];

  push(item) {
    if (this.#waiting.length > 0) this.#waiting.shift()(item);
    else this.#items.push(item);
  }

  next() {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
