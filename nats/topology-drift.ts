/** Holds what a server has against what RayFlow set up: for those who look for faults, and mend them. */
import { isDeepStrictEqual } from "node:util";
import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { STREAMS } from "./names.ts";
import { createOrUpdate, find, storedSettings } from "./topology.ts";
import { type NamedStream, type TopologySettings, topologySettings, topologyTable } from "./topology-table.ts";

/** A part of a stream's configuration that is not as it was set up. */
export interface Drift {
  readonly stream: string;
  readonly field: string;
  readonly is: unknown;
  readonly should: unknown;
}

export interface TopologyReport {
  /** Streams, also those of buckets, that are not there. */
  readonly missing: readonly string[];
  readonly drifts: readonly Drift[];
  readonly settings: TopologySettings;
  /** What there is, by name. */
  readonly infos: ReadonlyMap<string, StreamInfo>;
}

/** Reads and changes nothing. */
export async function readTopology(nc: NatsConnection): Promise<TopologyReport> {
  const { settings, table, infos } = await readAll(nc);
  const missing = table.filter(({ name }) => !infos.has(name)).map(({ name }) => name);
  return { missing, drifts: table.flatMap((wanted) => driftsOf(wanted, infos.get(wanted.name))), settings, infos };
}

/**
 * Sets up what is missing and puts right what has drifted; gives the names of what it changed. Nothing is deleted.
 * @throws TopologyConflict when a stream cannot be changed to what it should be
 */
export async function repairTopology(nc: NatsConnection): Promise<string[]> {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { table, infos } = await readAll(nc);
  const wrong = table.filter(({ name, ...rest }) => {
    const info = infos.get(name);
    return info === undefined || driftsOf({ name, ...rest }, info).length > 0;
  });
  for (const wanted of wrong) {
    // The log's own notes on how it was set up stay.
    const metadata = infos.get(wanted.name)?.config.metadata;
    await createOrUpdate(jsm, metadata === undefined ? wanted : { ...wanted, metadata });
  }
  return wrong.map(({ name }) => name);
}

async function readAll(nc: NatsConnection) {
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const settings = topologySettings.parse(storedSettings(await find(jsm, STREAMS.log)));
  const { others, log } = topologyTable(settings);
  const table = [...others, log];
  const found = await Promise.all(table.map(async ({ name }) => [name, await find(jsm, name)] as const));
  const infos = new Map(found.flatMap(([name, info]) => (info === undefined ? [] : [[name, info] as const])));
  return { settings, table, infos };
}

function driftsOf(wanted: NamedStream, info: StreamInfo | undefined): Drift[] {
  if (info === undefined) return [];
  const config: Record<string, unknown> = { ...info.config };
  return Object.entries(wanted).flatMap(([field, should]) => {
    // The server leaves out what is false.
    const is = config[field] ?? (typeof should === "boolean" ? false : undefined);
    return isDeepStrictEqual(is, should) ? [] : [{ stream: wanted.name, field, is, should }];
  });
}
