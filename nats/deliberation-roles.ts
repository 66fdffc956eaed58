/**
 * The roles of the services around deliberations: who asks a council, and who keeps what it decided.
 *
 * Each makes what it needs itself where it is missing, so that they may start in any order; it changes and deletes none
 * of it.
 */
import {
  BUCKETS,
  bucketStream,
  DELIBERATION_BUCKETS,
  EVENT_CONSUMERS,
  EVENT_STREAMS,
  objectStream,
  STREAMS,
} from "./names.ts";
import {
  api,
  KEYS_BUCKET,
  keysOf,
  type Permissions,
  permissions,
  RESPONSE_EXPIRES_MS,
  reading,
  serviceQuestions,
  streamOf,
} from "./permissions.ts";
import { subjects } from "./subjects.ts";

const PLAN_APPROVED = "planning.plan.approved";
const ANSWERS = { max: 1, expiresMs: RESPONSE_EXPIRES_MS };

/** Starts deliberations, of calls and of approved plans; shows and ends them. */
export function executor(): Permissions {
  const { leases, catalog, checkpoints, blueprints, blobs } = BUCKETS;
  const { planning, agentResults, streaming } = EVENT_STREAMS;
  const records = bucketStream(DELIBERATION_BUCKETS.records);
  return permissions(
    [
      ...topology(),
      api("STREAM.LIST"),
      api("CONSUMER.LIST", STREAMS.nodes),
      ...[
        STREAMS.log,
        STREAMS.history,
        ...[leases, catalog, checkpoints, blueprints, blobs, KEYS_BUCKET].map(streamOf),
      ].flatMap(reading),
      ...serviceQuestions(),
      // Submits and cancels; what is too large for a message goes beside it, and goes again when it is not put as a whole.
      ...subjects.submitAll(),
      subjects.runAll(),
      `$O.${blobs}.>`,
      api("STREAM.PURGE", objectStream(blobs)),
      keysOf(DELIBERATION_BUCKETS.records),
      ...[records, agentResults, streaming].flatMap(reading),
      ...[records, ...Object.values(EVENT_STREAMS)].flatMap(making),
      ...durable(planning, EVENT_CONSUMERS.plans, PLAN_APPROVED),
      "orchestration.plan.started",
      "planning.plan.refused",
    ],
    // What it may read in the streams may also be heard as it comes.
    [subjects.eventAll(), subjects.service("health"), "agent.results.*", "vllm.streaming.*"],
    ANSWERS,
  );
}

/** Takes what was decided, keeps it, and says so. */
export function contextService(): Permissions {
  const { orchestration, context } = EVENT_STREAMS;
  const store = bucketStream(DELIBERATION_BUCKETS.context);
  return permissions(
    [
      ...topology(),
      keysOf(DELIBERATION_BUCKETS.context),
      ...reading(store),
      ...[store, orchestration, context].flatMap(making),
      ...durable(orchestration, EVENT_CONSUMERS.context, "orchestration.deliberation.completed"),
      "context.updated",
    ],
    [subjects.service("health")],
    ANSWERS,
  );
}

/** What a gateway's monitoring page shows besides, and the plans that it tries the services with. */
export function deliberationPages(): { readonly publish: readonly string[]; readonly subscribe: readonly string[] } {
  const { agentResults, streaming } = EVENT_STREAMS;
  return {
    publish: [
      ...[bucketStream(DELIBERATION_BUCKETS.records), agentResults, streaming].flatMap(reading),
      ...Object.values(EVENT_STREAMS).map((stream) => api("STREAM.INFO", stream)),
      PLAN_APPROVED,
    ],
    subscribe: ["planning.>", "orchestration.>", "context.>", "agent.results.>", "vllm.streaming.>"],
  };
}

/** How RayFlow's own streams are set up. */
function topology(): string[] {
  return [api("INFO"), ...[STREAMS.log, STREAMS.nodes, STREAMS.submit].map((stream) => api("STREAM.INFO", stream))];
}

function making(stream: string): string[] {
  return [api("STREAM.INFO", stream), api("STREAM.CREATE", stream)];
}

/** To make one durable consumer of one subject, and to take and ack what it gives. */
function durable(stream: string, name: string, subject: string): string[] {
  return [
    api("STREAM.INFO", stream),
    api("CONSUMER.CREATE", stream, name, subject),
    api("CONSUMER.INFO", stream, name),
    api("CONSUMER.MSG.NEXT", stream, name),
    `$JS.ACK.${stream}.${name}.>`,
  ];
}
