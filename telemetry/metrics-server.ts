/**
 * `/metrics`, `/healthz` and `/readyz` of a process that serves no other HTTP.
 *
 * H1. `/healthz` says that the event loop turns, and nothing of NATS: a server that is away is no reason to be restarted.
 * H2. `/readyz` asks at most once a second, however often it is asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RayflowError } from "../flow/index.ts";
import type { Metrics } from "./metrics.ts";

/** Whether a process can do its work; the other fields say what is missing. */
export interface Readiness {
  readonly ready: boolean;
  readonly [what: string]: boolean;
}

export interface MetricsServerOptions {
  readonly metrics: Metrics;
  /** 0: any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Asked by `/readyz`. Until it is given: not ready. */
  readonly isReady?: (() => Promise<Readiness>) | undefined;
}

export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** From now on `/readyz` asks this. */
  readyWhen(isReady: () => Promise<Readiness>): void;
  /** From now on the process is not ready: it stops. */
  leave(): void;
  stop(): Promise<void>;
}

const DEFAULT_HOST = "127.0.0.1";
const REMEMBER_MS = 1_000;
/** Longest wait for the answer to whether the process is ready, ms. */
const ASK_MS = 2_000;
const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const JSON_TYPE = "application/json";

/** @throws PortTaken, UsageError when the address is none of this machine */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { metrics, host = DEFAULT_HOST } = options;
  let isReady = options.isReady;
  let leaving = false;
  let last: { readonly at: number; readonly found: Promise<Readiness> } | undefined;
  const readiness = (): Promise<Readiness> => {
    if (isReady === undefined || leaving) return Promise.resolve({ ready: false });
    if (last === undefined || performance.now() - last.at > REMEMBER_MS) {
      last = { at: performance.now(), found: within(isReady()) };
    }
    return last.found;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (request.method !== "GET" && request.method !== "HEAD") return send(response, 405, { error: "GET only" });
    if (pathname === "/healthz") return send(response, 200, { status: "ok" });
    if (pathname === "/readyz") {
      const found = await readiness();
      return send(response, found.ready ? 200 : 503, found);
    }
    if (pathname === "/metrics") return send(response, 200, await metrics.render());
    return send(response, 404, { error: "there are /metrics, /healthz and /readyz" });
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) send(response, 500, { error: String(error) });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(listenError(cause, host, options.port)));
    server.listen(options.port, host, resolve);
  });
  // It never keeps a process alive that has nothing else to do.
  server.unref();
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    leaving = true;
    const closed = new Promise<void>((done) => server.close(() => done()));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    readyWhen: (asked) => {
      isReady = asked;
      last = undefined;
    },
    leave: () => {
      leaving = true;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function send(response: ServerResponse, status: number, body: string | object): void {
  const type = typeof body === "string" ? TEXT : JSON_TYPE;
  response.writeHead(status, {
    "Content-Type": type,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Who cannot say that it is ready is not. */
async function within(asked: Promise<Readiness>): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((done) => {
    timer = setTimeout(() => done({ ready: false }), ASK_MS);
  });
  return Promise.race([asked.catch(() => ({ ready: false })), late]).finally(() => clearTimeout(timer));
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): RayflowError {
  if (cause.code === "EADDRINUSE") {
    return new RayflowError("PortTaken", `port ${port} of ${host} is taken: the metrics need another one`, { cause });
  }
  return new RayflowError("UsageError", `cannot listen on ${host}:${port}: ${cause.message}`, { cause });
}
