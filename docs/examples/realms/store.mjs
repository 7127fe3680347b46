// What the application servers share: games and who is on the site, in two key-value buckets of
// NATS. Each entry has a revision, and a change names the one it was made from, so that of two
// servers that change a game at once one must look again.
const goneMs = 12 * 3600 * 1000;
const enoughTries = 20;

// A revision was not the newest any more, or the key was there already.
const isConflict = (error) => error.api_error?.err_code === 10071;

export class Bucket {
  #kv;
  #known = new Map(); // a copy that follows the bucket, a moment behind

  static async open(nats, name) {
    const bucket = new Bucket();
    bucket.#kv = await nats.jetstream().views.kv(name, { ttl: goneMs });
    const ready = new Promise((initialized) => {
      bucket.#kv.watch({ initializedFn: initialized }).then((watch) => bucket.#follow(watch));
    });
    if ((await bucket.#kv.status()).values > 0) await ready;
    return bucket;
  }

  async #follow(watch) {
    for await (const entry of watch) {
      const { key, revision, operation } = entry;
      if (operation === 'PUT') this.#known.set(key, { key, revision, value: entry.json() });
      else this.#known.delete(key);
    }
  }

  // [{key, value, revision}], good enough for a list.
  all() {
    return [...this.#known.values()];
  }

  has(key) {
    return this.#known.has(key);
  }

  // {value, revision, ageMs}, the newest there is, or null.
  async get(key) {
    const entry = await this.#kv.get(key);
    if (entry?.operation !== 'PUT') return null;
    const { revision, created } = entry;
    return { value: entry.json(), revision, ageMs: Date.now() - created.getTime() };
  }

  async put(key, value) {
    return this.#kv.put(key, JSON.stringify(value));
  }

  // Deletes what has that revision; false: somebody was faster.
  async remove(key, revision) {
    try {
      await this.#kv.delete(key, { previousSeq: revision });
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }

  // `change` makes a value of the old one, as often as it takes: {value, revision}, or null if
  // there is no such key.
  async change(key, change) {
    for (let tries = 0; tries < enoughTries; ++tries) {
      const entry = await this.get(key);
      if (!entry) return null;
      const value = change(entry.value);
      try {
        const revision = await this.#kv.update(key, JSON.stringify(value), entry.revision);
        return { value, revision };
      } catch (error) {
        if (!isConflict(error)) throw error;
      }
    }
    throw new Error(`${key} has changed ${enoughTries} times under our hands`);
  }
}
