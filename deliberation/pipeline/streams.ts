/**
 * The streams around the council, made where they are missing. One that is there stays as it is: whoever runs the server
 * may have chosen other limits.
 */
import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import { EVENT_STREAMS, ensureTopology } from "../../nats/index.ts";

export const PLANNING_EVENTS = EVENT_STREAMS.planning;
export const ORCHESTRATOR_EVENTS = EVENT_STREAMS.orchestration;
export const CONTEXT_EVENTS = EVENT_STREAMS.context;
export const AGENT_RESULTS = EVENT_STREAMS.agentResults;
export const VLLM_STREAMING = EVENT_STREAMS.streaming;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Tokens are many and soon worth nothing. */
const MAX_STREAMING_BYTES = 256 * 1024 * 1024;

interface EventStream {
  readonly name: string;
  readonly subject: string;
  readonly maxAgeMs: number;
  /** How long a second message of the same id is dropped. */
  readonly duplicateMs: number;
  readonly more?: Partial<StreamConfig>;
}

export const eventStreams: readonly EventStream[] = [
  { name: PLANNING_EVENTS, subject: "planning.>", maxAgeMs: 30 * DAY_MS, duplicateMs: HOUR_MS },
  // As long as a restart may take: what is published again after one must not count twice.
  { name: ORCHESTRATOR_EVENTS, subject: "orchestration.>", maxAgeMs: 7 * DAY_MS, duplicateMs: DAY_MS },
  { name: CONTEXT_EVENTS, subject: "context.>", maxAgeMs: 7 * DAY_MS, duplicateMs: DAY_MS },
  { name: AGENT_RESULTS, subject: "agent.results.>", maxAgeMs: HOUR_MS, duplicateMs: HOUR_MS },
  {
    name: VLLM_STREAMING,
    subject: "vllm.streaming.>",
    maxAgeMs: 10 * MINUTE_MS,
    duplicateMs: 2 * MINUTE_MS,
    more: { storage: StorageType.Memory, max_bytes: MAX_STREAMING_BYTES, discard: DiscardPolicy.Old, no_ack: false },
  },
];

const STREAM_NAME_IN_USE = 10058;

/**
 * All of them, or those that a service names because it may make no others. Gives the names of those that were made now.
 * @throws TopologyConflict when a stream of somebody else is in the way
 */
export async function ensureEventStreams(nc: NatsConnection, names?: readonly string[]): Promise<string[]> {
  const { replicas } = await ensureTopology(nc);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const wanted = eventStreams.filter(({ name }) => names?.includes(name) ?? true);
  const made = await Promise.all(wanted.map((stream) => ensureStream(jsm, stream, replicas)));
  return wanted.filter((_, at) => made[at]).map(({ name }) => name);
}

/** Whether it was made now. */
async function ensureStream(jsm: JetStreamManager, wanted: EventStream, replicas: number): Promise<boolean> {
  const { name, subject, maxAgeMs, duplicateMs, more } = wanted;
  const found = await find(jsm, name);
  if (found !== undefined) return serves(found, wanted);
  try {
    await jsm.streams.add({
      name,
      subjects: [subject],
      storage: StorageType.File,
      max_age: nanos(maxAgeMs),
      duplicate_window: nanos(duplicateMs),
      num_replicas: replicas,
      allow_direct: true,
      ...more,
    });
    return true;
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
    // Another process was quicker.
    const other = error.code === STREAM_NAME_IN_USE ? await find(jsm, name) : undefined;
    if (other !== undefined) return serves(other, wanted);
    throw new RayflowError("TopologyConflict", `the stream ${name} cannot be made: ${error.message}`, { cause: error });
  }
}

function serves(config: StreamConfig, { name, subject }: EventStream): false {
  if (config.subjects.some((one) => one === subject || one === ">")) return false;
  const has = config.subjects.join(", ");
  throw new RayflowError("TopologyConflict", `the stream ${name} takes ${has}, not ${subject}: it is somebody else's`);
}

async function find(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
