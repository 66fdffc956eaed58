/**
 * An application on a port.
 *
 * S1. When it stops it takes no new connections, ends streams and waits, lets answers under way go out, and cuts off what
 *     is left after `graceMs`.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { OpenAPIHono } from "@hono/zod-openapi";
import { RayflowError } from "../../flow/index.ts";

export interface ListenOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** How many ports above it may be tried when it is taken. Default 0. */
  readonly tries?: number | undefined;
}

export interface Listening {
  readonly url: string;
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

export const DEFAULT_HOST = "127.0.0.1";
const HEADERS_TIMEOUT_MS = 20_000;
/** For the whole request to come in; how long its answer takes is no matter. */
const REQUEST_TIMEOUT_MS = 120_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** @throws PortTaken, UsageError when the address is none of this machine */
export async function listen(app: Pick<OpenAPIHono, "fetch">, options: ListenOptions): Promise<Listening> {
  const { host = DEFAULT_HOST, port, tries = 0 } = options;
  for (let at = port; ; at++) {
    const server = createAdaptorServer({
      fetch: (request, env) => app.fetch(request, env),
      overrideGlobalObjects: false,
      serverOptions: { maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: REQUEST_TIMEOUT_MS },
    }) as Server;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    try {
      await bind(server, host, at);
      return listening(server, host);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code === "EADDRINUSE" && port !== 0 && at < Math.min(port + tries, 65_535)) continue;
      if (code === "EADDRINUSE" || code === "EACCES") {
        const why = code === "EACCES" ? "may not be used by this user" : "is taken by another program";
        throw new RayflowError("PortTaken", `port ${at} of ${host} ${why}`, { cause: error });
      }
      throw new RayflowError("UsageError", `cannot listen on ${host}: ${String(error)}`, { cause: error });
    }
  }
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function listening(server: Server, host: string): Listening {
  const { port } = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${port}`,
    port,
    close: async (graceMs) => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeIdleConnections();
      // A connection that was kept open becomes idle when its last answer is out.
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
