/**
 * Sets up RayFlow's streams and buckets.
 *
 * T1. Any number of processes may do so at the same moment, and again at each start.
 * T2. No data is ever deleted, and what cannot be changed (partitions, where the queue lies) stays as it was set up.
 * T3. The log is made last and carries the mark of the whole: when the mark fits, one round trip is all.
 */
import { createHash } from "node:crypto";
import { JetStreamApiError, type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { STREAMS } from "./names.ts";
import { type NamedStream, type TopologySettings, topologySettings, topologyTable } from "./topology-table.ts";

/** What is left out stays as it was set up, or gets its default. */
export type TopologyOptions = { readonly [K in keyof TopologySettings]?: TopologySettings[K] | undefined };

export interface Topology {
  readonly partitions: number;
  readonly replicas: number;
  /** When RAYFLOW_NODES was made, ISO 8601: another one means that the queue was lost in between. */
  readonly queueCreated: string;
  /** When RAYFLOW_SUBMIT was made, ISO 8601. */
  readonly submitCreated: string;
  readonly settings: TopologySettings;
  /** What was asked for and cannot be had any more, for people: `partitions: 8 stays, not 16`. */
  readonly kept: readonly string[];
}

const META_PARTITIONS = "rayflow.partitions";
const META_SETTINGS = "rayflow.settings";
const META_MARK = "rayflow.topology";
const STREAM_NAME_IN_USE = 10058;
const API_TIMEOUT_MS = 15_000;
const MAX_ROUNDS = 5;

/** @throws TopologyConflict when streams of the same name or subjects belong to somebody else */
export async function ensureTopology(nc: NatsConnection, options: TopologyOptions = {}): Promise<Topology> {
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: API_TIMEOUT_MS });
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const made = await ensureOnce(jsm, options);
    if (made !== undefined) return made;
  }
  throw new RayflowError("StoreConflict", "other processes keep changing the streams of RayFlow");
}

/** Undefined when another process made the log in between: its settings count then, so look again. */
async function ensureOnce(jsm: JetStreamManager, options: TopologyOptions): Promise<Topology | undefined> {
  const [log, nodes, submit] = await Promise.all([
    find(jsm, STREAMS.log),
    find(jsm, STREAMS.nodes),
    find(jsm, STREAMS.submit),
  ]);
  const { settings, kept } = settle(log, options);
  const table = topologyTable(settings);
  const mark = createHash("sha256").update(JSON.stringify(table)).digest("base64url").slice(0, 22);
  const done = (nodesInfo: StreamInfo, submitInfo: StreamInfo): Topology => ({
    partitions: settings.partitions,
    replicas: settings.replicas,
    queueCreated: new Date(nodesInfo.created).toISOString(),
    submitCreated: new Date(submitInfo.created).toISOString(),
    settings,
    kept,
  });

  const fits = log?.config.metadata?.[META_MARK] === mark;
  if (fits && nodes !== undefined && submit !== undefined) return done(nodes, submit);
  // The queue lies in memory and goes with the server; nothing else does.
  const missing = fits
    ? table.others.filter(({ name }) => name === STREAMS.nodes || name === STREAMS.submit)
    : undefined;
  const infos = await Promise.all((missing ?? table.others).map((stream) => createOrUpdate(jsm, stream)));
  if (!fits) {
    const metadata = {
      [META_PARTITIONS]: String(settings.partitions),
      [META_SETTINGS]: JSON.stringify(settings),
      [META_MARK]: mark,
    };
    const wanted = { ...table.log, metadata };
    if (log === undefined) {
      if (!(await create(jsm, wanted))) return undefined;
    } else await update(jsm, wanted);
  }
  const nodesInfo = infos.find(({ config }) => config.name === STREAMS.nodes) ?? nodes;
  const submitInfo = infos.find(({ config }) => config.name === STREAMS.submit) ?? submit;
  return nodesInfo === undefined || submitInfo === undefined ? undefined : done(nodesInfo, submitInfo);
}

function settle(log: StreamInfo | undefined, options: TopologyOptions) {
  const asked = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const stored = storedSettings(log);
  const parsed = topologySettings.safeParse({ ...stored, ...asked });
  if (!parsed.success) {
    const why = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
    throw new RayflowError("ValidationError", `the topology's settings are off: ${why}`);
  }
  const settings = parsed.data;
  const kept: string[] = [];
  if (stored.partitions !== undefined && settings.partitions !== stored.partitions) {
    kept.push(`partitions: ${stored.partitions} stays, not ${settings.partitions}`);
    settings.partitions = stored.partitions;
  }
  if (stored.nodesStorage !== undefined && settings.nodesStorage !== stored.nodesStorage) {
    kept.push(`nodesStorage: ${stored.nodesStorage} stays, not ${settings.nodesStorage}`);
    settings.nodesStorage = stored.nodesStorage;
  }
  return { settings, kept };
}

/** What the log says about how it was set up. */
export function storedSettings(log: StreamInfo | undefined): Partial<TopologySettings> {
  const metadata = log?.config.metadata ?? {};
  let stored: Partial<TopologySettings> = {};
  try {
    const parsed = topologySettings.safeParse(JSON.parse(metadata[META_SETTINGS] ?? "null"));
    if (parsed.success) stored = parsed.data;
  } catch {
    // Written by hand, and wrong: the defaults, but for the partitions below, on which every run's place depends.
  }
  const partitions = Number(metadata[META_PARTITIONS]);
  return Number.isInteger(partitions) && partitions > 0 ? { ...stored, partitions } : stored;
}

/** Undefined when there is no such stream. */
export async function find(jsm: JetStreamManager, name: string): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

export async function createOrUpdate(jsm: JetStreamManager, stream: NamedStream): Promise<StreamInfo> {
  return (await create(jsm, stream)) ?? update(jsm, stream);
}

/** Undefined when there is one of that name with another configuration; the same one is no error. */
async function create(jsm: JetStreamManager, stream: NamedStream): Promise<StreamInfo | undefined> {
  try {
    return await jsm.streams.add(stream);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === STREAM_NAME_IN_USE) return undefined;
    throw conflict(stream.name, error);
  }
}

async function update(jsm: JetStreamManager, stream: NamedStream): Promise<StreamInfo> {
  try {
    return await jsm.streams.update(stream.name, stream);
  } catch (error) {
    throw conflict(stream.name, error);
  }
}

function conflict(name: string, cause: unknown): unknown {
  if (!(cause instanceof JetStreamApiError)) return cause;
  return new RayflowError("TopologyConflict", `the stream ${name} cannot be set up: ${cause.message}`, { cause });
}
