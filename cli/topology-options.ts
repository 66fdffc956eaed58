/** Options that say how the streams are set up. What is left out stays as it was. */
import { type Command, Option } from "commander";
import { durationMs, RayflowError } from "../flow/index.ts";
import type { TopologyOptions } from "../nats/index.ts";
import { wholeNumber } from "./stack-options.ts";

export interface TopologyFlags {
  readonly partitions?: number;
  readonly replicas?: number;
  readonly queueStorage?: "memory" | "file";
  readonly historyAge?: number;
  readonly historyBytes?: number;
  readonly leaseTtl?: number;
}

export function addTopologyOptions(command: Command): Command {
  return command
    .option(
      "--partitions <n>",
      "partitions of the log; fixed at set-up (default 8)",
      wholeNumber("--partitions", 1, 256),
    )
    .option(
      "--replicas <n>",
      "copies of each stream in a cluster: 1, 3 or 5 (default 1)",
      wholeNumber("--replicas", 1, 5),
    )
    .addOption(
      new Option("--queue-storage <kind>", "where the dispatch queue lies; fixed at set-up (default memory)").choices([
        "memory",
        "file",
      ]),
    )
    .option(
      "--history-age <duration>",
      'how long finished runs are kept, like "30d" (the default)',
      span("--history-age"),
    )
    .option(
      "--history-bytes <n>",
      "largest size of the history (default: no limit)",
      wholeNumber("--history-bytes", 1, Number.MAX_SAFE_INTEGER),
    )
    .option("--lease-ttl <duration>", 'how soon a lost orchestrator is replaced (default "5s")', span("--lease-ttl"));
}

export function topologyOptionsOf(flags: TopologyFlags): TopologyOptions {
  return {
    partitions: flags.partitions,
    replicas: flags.replicas,
    nodesStorage: flags.queueStorage,
    historyMaxAgeMs: flags.historyAge,
    historyMaxBytes: flags.historyBytes,
    leaseTtlMs: flags.leaseTtl,
  };
}

/** Reads "250ms", "1s", "5m", "2h", "7d" as milliseconds. */
export function span(option: string): (text: string) => number {
  return (text) => {
    const ms = durationMs(text);
    if (ms > 0) return ms;
    throw new RayflowError("UsageError", `${option} is a span of time like "30s" or "7d", not ${JSON.stringify(text)}`);
  };
}
