/** What every process tells of itself: memory, CPU, how late its event loop turns, its connection to NATS. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import type { Metrics } from "./metrics.ts";

/** How often the event loop's delay is looked at, ms. */
const RESOLUTION_MS = 20;
const NANOS = 1e9;

/** Observes this process; gives what ends that. Costs a timer every 20 ms, so only for those whose metrics are read. */
export function observeProcess(metrics: Metrics): () => void {
  const { service, version = "0.0.0" } = metrics.options;
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const started = Math.round(Date.now() - process.uptime() * 1000) / 1000;
  const ends = [
    metrics.observe("rayflow_build_info", () => [[[service, version, process.version], 1]]),
    metrics.observe("rayflow_process_start_time_seconds", () => [[[], started]]),
    metrics.observe("rayflow_process_cpu_seconds_total", () => {
      const { user, system } = process.cpuUsage();
      return [
        [["user"], user / 1e6],
        [["system"], system / 1e6],
      ];
    }),
    metrics.observe("rayflow_process_resident_memory_bytes", () => [[[], process.memoryUsage.rss()]]),
    metrics.observe("rayflow_process_heap_bytes", () => {
      const { used_heap_size, total_heap_size, heap_size_limit } = getHeapStatistics();
      return [
        [["used"], used_heap_size],
        [["total"], total_heap_size],
        [["limit"], heap_size_limit],
      ];
    }),
    metrics.observe("rayflow_event_loop_delay_seconds", () => {
      // The timer's own resolution is no delay; nothing was measured yet when the mean is not a number.
      const over = (nanos: number) => (Number.isNaN(nanos) ? 0 : Math.max(0, nanos / NANOS - RESOLUTION_MS / 1000));
      const { mean, max } = delay;
      const p99 = delay.percentile(99);
      delay.reset();
      return [
        [["mean"], over(mean)],
        [["p99"], over(p99)],
        [["max"], over(max)],
      ];
    }),
  ];
  return () => {
    for (const end of ends) end();
    delay.disable();
  };
}

/** As much of a NATS connection as is looked at. */
export interface WatchedConnection {
  isClosed(): boolean;
  status(): AsyncIterable<{ readonly type: string }>;
  stats(): { readonly inMsgs: number; readonly outMsgs: number; readonly inBytes: number; readonly outBytes: number };
}

/** Observes a connection until it is closed. */
export function observeConnection(metrics: Metrics, nc: WatchedConnection): void {
  const reconnects = metrics.counter("rayflow_nats_reconnects_total");
  const disconnects = metrics.counter("rayflow_nats_disconnects_total");
  let connected = !nc.isClosed();
  const ends = [
    metrics.observe("rayflow_nats_connected", () => [[[], connected ? 1 : 0]]),
    metrics.observe("rayflow_nats_messages_total", () => {
      const { inMsgs, outMsgs } = nc.stats();
      return [
        [["in"], inMsgs],
        [["out"], outMsgs],
      ];
    }),
    metrics.observe("rayflow_nats_bytes_total", () => {
      const { inBytes, outBytes } = nc.stats();
      return [
        [["in"], inBytes],
        [["out"], outBytes],
      ];
    }),
  ];
  void (async () => {
    for await (const { type } of nc.status()) {
      if (type === "disconnect") disconnects.value++;
      else if (type === "reconnect") reconnects.value++;
      if (type === "disconnect" || type === "reconnect") connected = type === "reconnect";
    }
    connected = false;
    for (const end of ends.slice(1)) end();
  })();
}
