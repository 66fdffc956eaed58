/** A gateway on a port, with everything behind it, for tests that speak HTTP to it. */
import type { MicroService } from "../../nats/index.ts";
import { startService } from "../request-reply.ts";
import { withRuns } from "../testing-runs.ts";
import { type GatewayOptions, type HttpServer, serveGateway } from "./gateway.ts";

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when the body is no JSON. */
  readonly json: Record<string, unknown>;
  readonly text: string;
}

export function withGateway() {
  const rig = withRuns();
  const gateways: HttpServer[] = [];
  let service: MicroService | undefined;

  const open = async (options: Partial<GatewayOptions> = {}): Promise<HttpServer> => {
    const nc = await rig.nats.connect("gateway");
    const gateway = await serveGateway({ nc, version: "1.2.3", port: 0, ...options });
    gateways.push(gateway);
    return gateway;
  };
  return {
    rig,
    /** One more gateway with options of its own. */
    open,
    start: async (): Promise<void> => {
      await rig.start();
      const orchestrator = await rig.orchestrate();
      service = await startService(await rig.nats.connect("service"), { version: "1.2.3", orchestrator });
      await open();
    },
    stop: async (): Promise<void> => {
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await service?.stop();
      await rig.stop();
    },
    get url(): string {
      return gateways[0]?.url ?? "";
    },
    /** JSON to and from the first gateway. */
    call: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      request(`${gateways[0]?.url}${path}`, method, body, headers),
  };
}

/** One request with a JSON body. */
export async function request(
  url: string,
  method: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const answer = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text);
  } catch {
    // Not every answer is JSON.
  }
  return { status: answer.status, headers: answer.headers, json, text };
}
