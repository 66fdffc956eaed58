/**
 * Keeps costly reads from piling up: only a few go on at a time, and those who ask for the same while it waits for its
 * turn share it. A read begins after everyone who shares it has asked, so each sees what it wrote before asking.
 */
export class SharedReads {
  readonly #atOnce: number;
  readonly #waiting = new Map<string, Promise<unknown>>();
  readonly #turns: (() => void)[] = [];
  #going = 0;

  /** `atOnce`: how many reads go on at a time. */
  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** What `read` gives. The same key must stand for the same read. Rejects as `read` does. */
  share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const waiting = this.#waiting.get(key) as Promise<T> | undefined;
    if (waiting) return waiting;
    if (this.#going < this.#atOnce) return this.#go(read);
    const shared = new Promise<void>((turn) => this.#turns.push(turn)).then(() => {
      this.#waiting.delete(key);
      return this.#go(read);
    });
    this.#waiting.set(key, shared);
    return shared;
  }

  async #go<T>(read: () => Promise<T>): Promise<T> {
    this.#going++;
    try {
      return await read();
    } finally {
      this.#going--;
      this.#turns.shift()?.();
    }
  }
}
