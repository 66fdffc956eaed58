/** The services as others start them. gRPC loads when it is wanted: most of what uses this room needs none. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { Monitoring } from "../gateway/index.ts";
import type { ExecutorOptions } from "./executor.ts";
import type { GrpcServer } from "./grpc/server.ts";
import type { MonitoringOptions } from "./monitoring/monitoring.ts";

export type { ExecutorOptions } from "./executor.ts";
export type { GrpcServer } from "./grpc/server.ts";

/**
 * Serves deliberations over gRPC and starts those of approved plans.
 * @throws PortTaken, ConnectionFailed, TopologyConflict
 */
export async function startExecutor(options: ExecutorOptions): Promise<GrpcServer> {
  const { runExecutor } = await import("./executor.ts");
  return runExecutor(options);
}

/** What the gateway's monitoring page shows. Until somebody looks at it nothing is made on the server. */
export async function openMonitoring(options: MonitoringOptions): Promise<Monitoring & Disposable> {
  const { openMonitoring: open } = await import("./monitoring/monitoring.ts");
  return open(options);
}

/** Makes the streams and buckets of deliberations; gives the streams that were missing. @throws TopologyConflict */
export async function setUpDeliberations(nc: NatsConnection): Promise<string[]> {
  const [{ ensureEventStreams }, { TaskRecords }] = await Promise.all([
    import("./pipeline/streams.ts"),
    import("./task-records.ts"),
  ]);
  await TaskRecords.open(nc);
  return ensureEventStreams(nc);
}
