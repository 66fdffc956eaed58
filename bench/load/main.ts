/**
 * The load generator: submits runs as a user's program would, with a bare NATS client, and waits for the result on
 * `Rayflow-Reply`. Started by the bench with a channel for requests; argument: the server's URL.
 */
import { connect } from "@nats-io/transport-node";
import { LoadGenerator } from "./load-generator.ts";
import type { LoadAnswer, LoadRequest } from "./protocol.ts";

const nc = await connect({ servers: process.argv[2] ?? "nats://127.0.0.1:4222", name: "bench load" });
const generator = new LoadGenerator(nc);
const answer = (message: LoadAnswer): void => {
  process.send?.(message);
};

process.on("message", (request: LoadRequest) => {
  generator.carryOut(request).then(
    (report) => answer({ type: "report", report }),
    (error: unknown) => answer({ type: "failed", message: error instanceof Error ? error.message : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
answer({ type: "ready" });
