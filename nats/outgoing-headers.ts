/**
 * Headers of a message that is sent and read by others: the client's own keep them ready for lookups, which cost a busy
 * publisher more than the rest of a message.
 */
import { errors, type MsgHdrs } from "@nats-io/transport-node";

class OutgoingHeaders {
  #text = "NATS/1.0";

  /** A header of its own each time: what was said before stays. @throws InvalidArgumentError when the value has more than a line */
  set(name: string, value: string): void {
    if (value.includes("\n") || value.includes("\r")) {
      throw new errors.InvalidArgumentError(`the header ${name} cannot hold \\r or \\n`);
    }
    this.#text += `\r\n${name}: ${value.trim()}`;
  }

  encode(): Uint8Array {
    return Buffer.from(`${this.#text}\r\n\r\n`);
  }
}

/** Headers that can be set, each once, and sent; they cannot be read. */
export function outgoingHeaders(): MsgHdrs {
  // Of all that headers can do, sending asks for their bytes alone.
  return new OutgoingHeaders() as unknown as MsgHdrs;
}
