/** The executor service as one process: gRPC, the plans, and how it is. As many as one likes. */
import { randomUUID } from "node:crypto";
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from "./grpc/server.ts";
import { type PlanLogger, startPlans } from "./pipeline/plans.ts";
import { reportHealth } from "./service-health.ts";

export interface ExecutorOptions extends Omit<GrpcServerOptions, "onFailure"> {
  /** Of RayFlow, as others see it. */
  readonly version: string;
  /** Whether approved plans start deliberations here. Default true. */
  readonly plans?: boolean | undefined;
  /** Agents of a council that nobody has named. Default 3. */
  readonly councilSize?: number | undefined;
  readonly logger: PlanLogger & { error(about: object, message: string): void };
}

const DEFAULT_COUNCIL_SIZE = 3;

/** @throws PortTaken, ConnectionFailed, TopologyConflict */
export async function runExecutor(options: ExecutorOptions): Promise<GrpcServer> {
  const { nc, logger, defaults = {}, version, councilSize = DEFAULT_COUNCIL_SIZE } = options;
  const onFailure = (method: string, error: unknown): void => {
    logger.error({ method, err: error }, "a call failed that should not");
  };
  const server = await startGrpcServer({ ...options, onFailure });
  const { records, runs } = server.directory;
  const plans =
    options.plans === false
      ? undefined
      : startPlans({ nc, records, runs, defaults, council: { size: councilSize }, logger });
  const { vllmUrl } = defaults;
  const health = reportHealth({
    nc,
    service: "executor",
    id: randomUUID().slice(0, 8),
    version,
    connections: [
      { name: "NATS", check: async () => nc.getServer() },
      ...(vllmUrl === undefined ? [] : [{ name: "model endpoint", check: () => checkEndpoint(vllmUrl) }]),
    ],
  });
  const stop = async (): Promise<void> => {
    health[Symbol.dispose]();
    await Promise.all([plans?.stop(), server.stop()]);
  };
  return { port: server.port, directory: server.directory, stop, [Symbol.asyncDispose]: stop };
}

async function checkEndpoint(url: string): Promise<string> {
  const base = url.replace(/\/+$/, "").replace(/\/v1(\/chat\/completions)?$/, "");
  const answer = await fetch(`${base}/v1/models`, { signal: AbortSignal.timeout(1_000) });
  await answer.body?.cancel();
  // Whoever answers is there, also one that wants a key.
  if (answer.status >= 500) throw new Error(`${base} answers ${answer.status}`);
  return base;
}
