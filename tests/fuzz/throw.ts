/** Throws one input at the system; says what is wrong about the answer, if anything is. */
import { Agent, request as requestHttp } from "node:http";
import { connect } from "node:net";
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { FuzzInput, HttpInput, MessageInput, RawInput } from "./inputs.ts";
import type { System } from "./system.ts";

/** A run that is waited for may wait for something itself: after this the caller goes away, ms. */
const PATIENCE_MS = 500;
/** Answers that say that something is not there now, and not that something broke. */
const EXPECTED = new Set([501, 503, 504, 505]);

export class Thrower {
  readonly #system: System;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(system: System) {
    this.#system = system;
  }

  async throwIt(input: FuzzInput): Promise<string | undefined> {
    if (input.kind === "http") return this.#http(input);
    if (input.kind === "raw") return this.#raw(input);
    return send(this.#system.nc, input);
  }

  close(): void {
    this.#agent.destroy();
  }

  #http({ method, path, headers: given, body }: HttpInput): Promise<string | undefined> {
    return new Promise((resolve) => {
      let request: ReturnType<typeof requestHttp>;
      try {
        const agent = this.#agent;
        const { hostname, port } = new URL(this.#system.http);
        request = requestHttp({
          hostname,
          port,
          method,
          path,
          headers: { ...given, "content-length": body.length },
          agent,
        });
      } catch {
        // Our own client will not say such a thing.
        resolve(undefined);
        return;
      }
      const timer = setTimeout(() => request.destroy(), PATIENCE_MS);
      const done = (finding?: string): void => {
        clearTimeout(timer);
        resolve(finding);
      };
      request.on("error", () => done());
      request.on("response", (response) => {
        const { statusCode = 0 } = response;
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          if (text.length < 2_000) text += chunk;
        });
        // Streams have no end of their own.
        if (`${response.headers["content-type"]}`.startsWith("text/event-stream")) request.destroy();
        response.on("close", () => {
          const broken = statusCode >= 500 && !EXPECTED.has(statusCode) && !/NodeExecutionError|"failed"/.test(text);
          done(broken ? `${statusCode}: ${text.slice(0, 500)}` : undefined);
        });
      });
      request.end(body);
    });
  }

  #raw({ bytes }: RawInput): Promise<string | undefined> {
    const { hostname, port } = new URL(this.#system.http);
    return new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.setTimeout(200, () => socket.destroy());
      socket
        .on("error", () => {})
        .on("data", () => {})
        .on("close", () => resolve(undefined));
      socket.write(bytes);
    });
  }
}

async function send(
  nc: NatsConnection,
  { kind, subject, payload, headers: given }: MessageInput,
): Promise<string | undefined> {
  const head = headers();
  try {
    for (const [name, value] of given) head.append(name, value);
    const options = given.length === 0 ? {} : { headers: head };
    if (kind === "publish") {
      nc.publish(subject, payload, options);
      return undefined;
    }
    const answer = await nc.request(subject, payload, { ...options, timeout: PATIENCE_MS });
    const code = answer.headers?.get("Nats-Service-Error-Code");
    const text = `${code} ${answer.headers?.get("Nats-Service-Error")}`;
    return code === "500" && /InternalError/.test(text) ? text : undefined;
  } catch {
    // No answer in time (a run that waits), or a subject or header that our own client refuses.
    return undefined;
  }
}
