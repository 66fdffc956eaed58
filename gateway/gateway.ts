/** The gateway as others start it. What it is made of loads when it is wanted: most of what uses this room needs no HTTP. */
import type { FlowServiceOptions } from "./http/flow-service.ts";
import type { GatewayOptions, HttpServer } from "./http/gateway.ts";

export type { FlowServiceOptions } from "./http/flow-service.ts";
export type { GatewayOptions, HttpOptions, HttpServer } from "./http/gateway.ts";

/**
 * Serves the HTTP API and the editor.
 * @throws PortTaken, UsageError when the address is none of this machine, ConnectionFailed
 */
export async function startGateway(options: GatewayOptions): Promise<HttpServer> {
  const { serveGateway } = await import("./http/gateway.ts");
  return serveGateway(options);
}

/**
 * Serves one flow: `POST /execute` with its inputs, `GET /schema`, `/health`, `/docs`.
 * @throws InvalidFlow (details: errors, warnings), FlowNotFound, PortTaken, UsageError, ConnectionFailed
 */
export async function startFlowService(options: FlowServiceOptions): Promise<HttpServer> {
  const { serveFlow } = await import("./http/flow-service.ts");
  return serveFlow(options);
}
