/**
 * Starts the deliberation of a task, once, whoever asks and however often.
 *
 * D1. The record comes before the submission, and both before the answer: what was answered is there after any crash.
 * D2. A crash in between is repaired by asking again: the record is claimed once, the submission has the task's id.
 * D3. Where nobody has ever served the council's nodes nothing is submitted: a refused submission could not be repeated
 *     as long as JetStream remembers its id.
 * D4. Another task under the same id is refused, also long after JetStream has forgotten the id.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { checkFlow, RayflowError, toErrorInfo } from "../flow/index.ts";
import { declaredNodeTypes, type RunDirectory, submitRun } from "../gateway/index.ts";
import type { RunEvent } from "../nats/index.ts";
import { buildDeliberation, type DeliberationRequest, deliberationRequest } from "./deliberation-flow.ts";
import { deliberationIdOf } from "./messages.ts";
import { fingerprintOf, type TaskRecord, type TaskRecords } from "./task-records.ts";

export interface StartedDeliberation {
  readonly deliberationId: string;
  /** False: this task was asked for before. */
  readonly isNew: boolean;
}

export interface StartOptions {
  readonly nc: NatsConnection;
  readonly records: TaskRecords;
  readonly runs: Pick<RunDirectory, "log">;
  /** What a task gets that names none. */
  readonly defaults?: { readonly vllmUrl?: string | undefined; readonly vllmModel?: string | undefined };
  /** How long an orchestrator may take to say that it has the run, ms; then it counts as begun all the same. Default 2 000. */
  readonly acceptMs?: number;
}

const ACCEPT_MS = 2_000;
const SHOWN_DESCRIPTION = 500;
/** Connections on which the council's nodes are known to be served: they do not go away again. */
const served = new WeakSet<NatsConnection>();

/**
 * @throws ValidationError, IdempotencyKeyReused (details: deliberation_id), PayloadTooLarge, ConnectionFailed, InvalidFlow
 * (retryable: the nodes are not served yet)
 */
export async function startDeliberation(
  request: DeliberationRequest,
  options: StartOptions,
): Promise<StartedDeliberation> {
  const { nc, records, runs, defaults = {}, acceptMs = ACCEPT_MS } = options;
  const built = buildDeliberation(withDefaults(request, defaults));
  const record = recordOf(request);
  const { deliberation_id: deliberationId, task_id } = record;
  await requireServed(nc, built.flow);
  const claimed = await records.claim(record);
  if (claimed.fingerprint !== record.fingerprint) {
    const message = `task ${task_id} was asked for before, with something else in it: deliberation ${deliberationId}`;
    throw new RayflowError("IdempotencyKeyReused", message, { details: { deliberation_id: deliberationId } });
  }
  const isNew = claimed === record;
  if (!isNew && (await runs.log.isKnown(deliberationId))) return { deliberationId, isNew };
  // What was refused may be fine by now: a node type was missing, say.
  if (claimed.refused !== undefined) await records.refuse(deliberationId, undefined);
  let accepted: () => void = () => {};
  const taken = new Promise<void>((resolve) => {
    accepted = resolve;
  });
  const onEvent = (event: RunEvent): void => {
    if (event.kind !== "refused") accepted();
  };
  const { flow, inputs } = built;
  const { msgId } = built.options;
  const submitted = await submitRun(nc, { flow, inputs }, { msgId, onEvent, timeoutMs: 2 * acceptMs });
  const silence = setTimeout(accepted, submitted.duplicate ? 0 : acceptMs);
  try {
    await Promise.race([taken, submitted.result]);
  } catch (error) {
    const info = toErrorInfo(error, "InvalidFlow");
    if (info.code === "RunTimeout") return { deliberationId, isNew };
    if (!info.retryable) await records.refuse(deliberationId, info);
    throw error;
  } finally {
    clearTimeout(silence);
    submitted.abandon();
  }
  return { deliberationId, isNew };
}

async function requireServed(nc: NatsConnection, flow: unknown): Promise<void> {
  if (served.has(nc)) return;
  // What actors have declared, not what comes with RayFlow: an orchestrator knows no other.
  const declared = await declaredNodeTypes(nc);
  const [error] = checkFlow(flow, new Map(declared.map((nodeType) => [nodeType.type, nodeType]))).errors;
  if (error !== undefined) {
    const message = `no actor serves deliberations yet (${error.message}): start one, rayflow actor`;
    throw new RayflowError("InvalidFlow", message, { retryable: true });
  }
  served.add(nc);
}

function withDefaults(request: DeliberationRequest, defaults: NonNullable<StartOptions["defaults"]>) {
  const vllm_url = request.vllm_url || defaults.vllmUrl;
  const vllm_model = request.vllm_model || defaults.vllmModel;
  return {
    ...request,
    ...(vllm_url === undefined ? {} : { vllm_url }),
    ...(vllm_model === undefined ? {} : { vllm_model }),
  };
}

/** Of the request as it was made: what the executor adds may differ from replica to replica. */
function recordOf(request: DeliberationRequest): TaskRecord {
  const { task_id, task_description, role, agents, constraints, vllm_model } = deliberationRequest.parse(request);
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const plan_id = text(constraints.plan_id);
  const story_id = text(constraints.story_id);
  return {
    v: 1,
    task_id,
    deliberation_id: deliberationIdOf(task_id),
    fingerprint: fingerprintOf(request),
    task_description: task_description.slice(0, SHOWN_DESCRIPTION),
    role,
    agents: agents.map((agent) => ({
      id: agent.id,
      role: agent.role ?? role,
      model: agent.model ?? vllm_model ?? "",
    })),
    ...(plan_id === undefined ? {} : { plan_id }),
    ...(story_id === undefined ? {} : { story_id }),
    created_ms: Date.now(),
  };
}
