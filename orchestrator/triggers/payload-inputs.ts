/** The inputs that a message gives to the run it starts. */

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A JSON object is the inputs; anything else is `payload` (text that is no JSON as it is, bytes as base64). */
export function payloadInputs(subject: string, data: Uint8Array): Record<string, unknown> {
  const payload = read(data);
  return isObject(payload) ? payload : { payload, subject };
}

function read(data: Uint8Array): unknown {
  if (data.length === 0) return null;
  let text: string;
  try {
    text = utf8.decode(data);
  } catch {
    return Buffer.from(data).toString("base64");
  }
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
