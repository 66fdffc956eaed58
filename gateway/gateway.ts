/** The gateway as others start it. What it is made of loads when it is wanted: most of what uses this room needs no HTTP. */
import type { GatewayOptions, HttpServer } from "./http/gateway.ts";

export type { GatewayOptions, HttpOptions, HttpServer } from "./http/gateway.ts";

/**
 * Serves the HTTP API and the editor.
 * @throws PortTaken, UsageError when the address is none of this machine, ConnectionFailed
 */
export async function startGateway(options: GatewayOptions): Promise<HttpServer> {
  const { serveGateway } = await import("./http/gateway.ts");
  return serveGateway(options);
}
