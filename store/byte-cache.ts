/** The bytes that were used last, up to a number of bytes in all. For content that never changes under its key. */
export class ByteCache {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Uint8Array>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Uint8Array | undefined {
    const found = this.#entries.get(key);
    if (found === undefined) return undefined;
    // Moves to the end: the first one is always the one that was longest not used.
    this.#entries.delete(key);
    this.#entries.set(key, found);
    return found;
  }

  /** What is larger than a quarter of the whole is not kept: it would push out everything else. */
  set(key: string, bytes: Uint8Array): void {
    if (this.#entries.has(key) || bytes.length > this.#maxBytes / 4) return;
    this.#entries.set(key, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, { length }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#entries.delete(oldest);
      this.#bytes -= length;
    }
  }
}
