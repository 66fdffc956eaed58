import type { Command } from "commander";
import { addHttpOptions, portOption } from "../gateway-options.ts";
import { addMetricsOptions } from "../metrics-options.ts";
import { type GatewayFlags, serveGateway } from "./gateway.ts";

const DEFAULT_PORT = 8080;

export function register(program: Command): void {
  const command = program
    .command("monitoring")
    .description("serve the monitoring page of deliberations: a gateway that shows it first")
    .option("--port <n>", `port to listen on, 0 for any (default: ${DEFAULT_PORT})`, portOption);
  addMetricsOptions(addHttpOptions(command)).action((flags: Omit<GatewayFlags, "editor">, self: Command) =>
    serveGateway({ ...flags, editor: true }, self, { name: "monitoring", port: DEFAULT_PORT, home: "/monitoring" }),
  );
}
