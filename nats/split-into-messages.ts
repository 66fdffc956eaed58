/** Cuts what waits to be sent into messages, in order. */

export interface MessageRoom<T> {
  /** How many items a message may hold. */
  readonly most: number;
  /** What the items of a message may take together, bytes. */
  readonly maxBytes: number;
  readonly bytesOf: (item: T) => number;
}

/** As few as fit; an item that is too large for any message has one to itself. None when nothing waits. */
export function splitIntoMessages<T>(items: readonly T[], { most, maxBytes, bytesOf }: MessageRoom<T>): T[][] {
  const messages: T[][] = [];
  let message: T[] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    if (message.length > 0 && (message.length >= most || bytes + size > maxBytes)) {
      messages.push(message);
      message = [];
      bytes = 0;
    }
    message.push(item);
    bytes += size;
  }
  if (message.length > 0) messages.push(message);
  return messages;
}
