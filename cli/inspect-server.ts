/**
 * Serves a run's inspection events on this machine: a page with Stately's inspector in it, and the events for it.
 *
 * N1. It listens on the loopback address, and answers to that name alone: a page of elsewhere cannot read it under a
 *     name that it has pointed here.
 * N2. Who opens the page late gets every event from the first one on.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { RayflowError } from "../flow/index.ts";

const INSPECTOR_ORIGIN = "https://stately.ai";

export interface InspectionServer extends AsyncDisposable {
  readonly url: string;
  /** One more event, for those who look now and those who come. */
  send(event: unknown): void;
}

/** `port` 0: one that is free. @throws UsageError when the port is taken */
export async function serveInspection(run: string, port: number): Promise<InspectionServer> {
  const events: string[] = [];
  const readers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (!/^(127\.0\.0\.1|localhost):\d+$/.test(request.headers.host ?? "")) return void response.writeHead(421).end();
    if (request.method !== "GET") return void response.writeHead(405).end();
    if (request.url === "/") return void response.writeHead(200, PAGE_HEADERS).end(page(run));
    if (request.url !== "/events") return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    // A browser that has lost the connection asks for what comes behind the last event that it has.
    const known = Number(request.headers["last-event-id"] ?? 0) || 0;
    for (const [at, event] of events.entries()) if (at >= known) response.write(frame(at + 1, event));
    readers.add(response);
    response.on("close", () => readers.delete(response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new RayflowError("UsageError", `port ${port} cannot be used: ${cause.message}`, { cause })),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    send: (event) => {
      const number = events.push(JSON.stringify(event));
      for (const reader of readers) reader.write(frame(number, events[number - 1] ?? ""));
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function frame(id: number, json: string): string {
  return `id: ${id}\ndata: ${json}\n\n`;
}

const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-src ${INSPECTOR_ORIGIN}`,
};

/** Hands the events to the inspector in the frame once it says that it is there. */
function page(run: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<title>${run}</title>
<style>html, body, iframe { margin: 0; border: 0; width: 100%; height: 100% } body { display: flex }</style>
<iframe id="inspector" title="Stately inspector" src="${INSPECTOR_ORIGIN}/inspect"></iframe>
<script>
  const inspector = document.getElementById("inspector").contentWindow;
  const waiting = [];
  let connected = false;
  const hand = (event) => inspector.postMessage(event, "${INSPECTOR_ORIGIN}");
  addEventListener("message", ({ origin, data }) => {
    if (origin !== "${INSPECTOR_ORIGIN}" || data?.type !== "@statelyai.connected") return;
    connected = true;
    for (const event of waiting.splice(0)) hand(event);
  });
  new EventSource("/events").onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (connected) hand(event);
    else waiting.push(event);
  };
</script>
`;
}
