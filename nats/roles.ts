/**
 * Who may publish and subscribe what: for each role the least subjects that its process needs.
 *
 * R1. A role may read no inbox but its own: `_INBOX.<user>.>`.
 * R2. Only the orchestrator makes or changes streams, and not even it deletes one. The services of deliberations make
 *     those around them where they are missing, by name, and change none.
 * R3. An actor makes no consumers: one delivers its messages to whatever subject it was made for.
 * R4. Nobody who only reads may write a key, and nobody but the orchestrator writes leases, checkpoints, timers, history.
 *
 * What a subject cannot tell apart stays open within an account: see docs/security.md.
 */
import { RayflowError } from "../flow/index.ts";
import { ORCHESTRATOR_CONSUMER } from "./consumers.ts";
import { contextService, deliberationPages, executor } from "./deliberation-roles.ts";
import { BUCKETS, bucketStream, objectStream, STREAMS } from "./names.ts";
import {
  ALL_BUCKETS,
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
import { safeToken, subjects, subjectToken } from "./subjects.ts";

/** `actor:math_add,math_multiply`: one process that serves these types. `admin`: a person, no process of RayFlow. */
export type Role = (typeof PLAIN_ROLES)[number] | `actor:${string}`;

export interface RoleOptions {
  /** Under which the process gets its answers. Default: that of the role's own name. */
  readonly inboxPrefix?: string;
  /** Further subjects: what nodes publish, the streams that triggers read. */
  readonly allow?: readonly { readonly publish?: string; readonly subscribe?: string }[];
  /** Types that use variables besides the built-in `variables_*`. */
  readonly variables?: readonly string[];
}

const PLAIN_ROLES = ["publisher", "gateway", "orchestrator", "observer", "executor", "context", "admin"] as const;

/** The inbox prefix of a user: one token of its own under `_INBOX`, so that a wildcard can cover all of them. */
export function inboxPrefixOf(user: string): string {
  return `_INBOX.${safeToken(user)}`;
}

/** What a role's user is called unless one says otherwise: `actor:math_add` is `actor-math_add`. */
export function userOf(role: Role): string {
  return role.replace(":", "-").replaceAll(",", "-");
}

/** @throws UsageError */
export function parseRole(text: string): Role {
  if (PLAIN_ROLES.some((role) => role === text)) return text as Role;
  const types = text.startsWith("actor:") ? text.slice("actor:".length).split(",") : [];
  if (types.length > 0 && types.every((type) => /^[A-Za-z0-9_-]{1,64}$/.test(type))) return text as Role;
  const roles = [...PLAIN_ROLES, "actor:<type>[,<type>...]"].join(", ");
  throw new RayflowError("UsageError", `no role: ${JSON.stringify(text)}; there are ${roles}`);
}

/** The node types of an actor's role; undefined for the others. */
export function typesOf(role: Role): string[] | undefined {
  return role.startsWith("actor:") ? role.slice("actor:".length).split(",") : undefined;
}

/** What a process of this role may do, and nothing besides. */
export function rolePermissions(role: Role, options: RoleOptions = {}): Permissions {
  const own = bare(parseRole(role), options);
  const more = options.allow ?? [];
  const inbox = `${options.inboxPrefix ?? inboxPrefixOf(userOf(role))}.>`;
  return {
    ...own,
    publish: { allow: unique([...own.publish.allow, ...more.flatMap(({ publish }) => publish ?? [])]) },
    subscribe: {
      allow: unique([inbox, ...own.subscribe.allow, ...more.flatMap(({ subscribe }) => subscribe ?? [])]),
    },
  };
}

function bare(role: Role, options: RoleOptions): Permissions {
  const types = typesOf(role);
  if (types) return actor(types.map(subjectToken), options.variables ?? []);
  if (role === "publisher") return publisher();
  // A person who backs up, restores, repairs: everything in the tenant's account, nothing of another's.
  if (role === "admin") return permissions([">"], [">"]);
  if (role === "orchestrator") return orchestrator();
  if (role === "executor") return executor();
  if (role === "context") return contextService();
  return role === "gateway" ? gateway() : observer();
}

/** Submits runs, and asks for their results by request/reply. */
function publisher(): Permissions {
  const services = [subjects.service("flow", "run"), subjects.service("flow", "validate")];
  return permissions([...subjects.submitAll(), ...services], []);
}

/** Looks at everything but the keys and changes nothing. */
function observer(): Permissions {
  return permissions([...viewing(), ...serviceQuestions()], [subjects.eventAll()]);
}

/** Serves people: reads everything, submits and controls runs, deploys flows, sets variables. */
function gateway(): Permissions {
  const { vars, flows, cache, blueprints, blobs } = BUCKETS;
  return permissions(
    [
      ...viewing(),
      ...serviceQuestions(),
      ...subjects.submitAll(),
      subjects.runAll(),
      ...[vars, flows, blueprints].map(keysOf),
      // Claims of idempotency keys; the rest of the cache is the actors'.
      `$KV.${cache}.idempotency-key.*`,
      // What tries whether the server stores anything.
      `$KV.${cache}.doctor`,
      `$O.${blobs}.>`,
      // Chunks of a value that could not be put as a whole.
      api("STREAM.PURGE", objectStream(blobs)),
      ...reading(bucketStream(KEYS_BUCKET)),
      ...deliberationPages().publish,
    ],
    // Who asks how the services are gets an answer from each.
    [subjects.eventAll(), subjects.service("health"), ...deliberationPages().subscribe],
    { max: 1, expiresMs: RESPONSE_EXPIRES_MS },
  );
}

/** Drives runs, looks after the streams, answers on `rayflow.svc.>`. */
function orchestrator(): Permissions {
  const { submit, timers, nodes } = STREAMS;
  return permissions(
    [
      api("INFO"),
      api("STREAM.NAMES"),
      ...[...Object.values(STREAMS), ...ALL_BUCKETS.map(streamOf)].flatMap((stream) => [
        ...reading(stream),
        api("STREAM.CREATE", stream),
        api("STREAM.UPDATE", stream),
        api("STREAM.PURGE", stream),
      ]),
      // The queues that are shared: of submissions, of timers, of each node type.
      ...[submit, timers, nodes].flatMap((stream) => [
        api("CONSUMER.DURABLE.CREATE", stream, "*"),
        api("CONSUMER.LIST", stream),
      ]),
      ...[submit, timers].map((stream) => `$JS.ACK.${stream}.${ORCHESTRATOR_CONSUMER}.>`),
      ...subjects.submitAll(),
      subjects.nodeAll(),
      subjects.runAll(),
      subjects.historyAll(),
      subjects.timerAll(),
      subjects.eventAll(),
      subjects.cancelAll(),
      ...ALL_BUCKETS.filter((bucket) => bucket !== BUCKETS.blobs).map(keysOf),
      `$O.${BUCKETS.blobs}.>`,
      ...serviceQuestions(),
      // Who submits with `Rayflow-Reply` hears how the run goes there.
      "_INBOX.>",
    ],
    ["rayflow.svc.>", "$SRV.*", "$SRV.*.rayflow", "$SRV.*.rayflow.*", subjects.eventAll()],
    { max: 1, expiresMs: RESPONSE_EXPIRES_MS },
  );
}

/** Takes the work of its types, gives their results, and what node code needs on the way. */
function actor(types: readonly string[], withVariables: readonly string[]): Permissions {
  const { blobs, catalog, cache, limits, vars } = BUCKETS;
  const usesLimits = types.some((type) => type.startsWith("ai_"));
  const usesVariables = types.some((type) => type.startsWith("variables_") || withVariables.includes(type));
  return permissions(
    [
      ...types.flatMap((type) => [
        api("CONSUMER.INFO", STREAMS.nodes, type),
        api("CONSUMER.MSG.NEXT", STREAMS.nodes, type),
        `$JS.ACK.${STREAMS.nodes}.${type}.>`,
        `rayflow.result.${type}.*`,
        // A message that came again is taken apart and goes back into the queue.
        subjects.node(type),
        `$KV.${catalog}.${type}`,
        `$KV.${cache}.${type}.*`,
        api("DIRECT.GET", bucketStream(cache), `$KV.${cache}.${type}.*`),
      ]),
      api("STREAM.INFO", STREAMS.nodes),
      api("STREAM.MSG.GET", bucketStream(catalog)),
      // Values too large for a message: of whichever run the work is.
      `$O.${blobs}.C.*.*.*`,
      `$O.${blobs}.M.*`,
      api("STREAM.MSG.GET", objectStream(blobs)),
      api("DIRECT.GET", objectStream(blobs)),
      ...(usesVariables
        ? [keysOf(vars), api("STREAM.MSG.GET", bucketStream(vars)), api("STREAM.INFO", bucketStream(vars))]
        : []),
      // What agents say, and how a deliberation ended.
      ...(types.includes("ai_agent") ? ["agent.results.*"] : []),
      ...(types.some((type) => type === "ai_agent" || type === "ai_chat") ? ["vllm.streaming.*"] : []),
      ...(types.includes("ai_announce") ? ["orchestration.deliberation.*"] : []),
      // What all that ask a model keep together: slots, rates, budgets.
      ...(usesLimits ? [keysOf(limits), api("STREAM.MSG.GET", bucketStream(limits))] : []),
    ],
    // Who asks which actors there are gets an answer from each.
    [subjects.cancelAll(), subjects.service("actors")],
    { max: 1, expiresMs: RESPONSE_EXPIRES_MS },
  );
}

/** What lists and describes runs, flows, node types, variables, orchestrators and actors. */
function viewing(): string[] {
  const open = ALL_BUCKETS.filter((bucket) => bucket !== KEYS_BUCKET);
  const streams = [STREAMS.log, STREAMS.history, ...open.map(streamOf)];
  return [
    api("INFO"),
    ...streams.flatMap(reading),
    ...[STREAMS.submit, STREAMS.timers, STREAMS.nodes].map((stream) => api("STREAM.INFO", stream)),
    api("STREAM.INFO", bucketStream(KEYS_BUCKET)),
    api("CONSUMER.LIST", STREAMS.nodes),
    api("CONSUMER.INFO", STREAMS.nodes, "*"),
    ...[STREAMS.submit, STREAMS.timers].map((stream) => api("CONSUMER.INFO", stream, ORCHESTRATOR_CONSUMER)),
  ];
}

function unique(subjectList: readonly string[]): string[] {
  return [...new Set(subjectList)];
}
