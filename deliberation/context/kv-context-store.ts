/**
 * The context on JetStream KV, for those who run no graph database: nodes and edges are entries of the bucket
 * `rayflow_context`.
 *
 * K1. Every entry is named by what it says, and written whole: to write twice is to write once.
 * K2. Edges come before the task that leads to them: who finds a task finds its decisions.
 */
import { jetstream } from "@nats-io/jetstream";
import { type KV, Kvm } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { DELIBERATION_BUCKETS, decodeMessage, encodeMessage, ensureTopology, safeToken } from "../../nats/index.ts";
import type { ContextStore, DecisionContext, TaskContext } from "./context-store.ts";

export const CONTEXT_BUCKET = DELIBERATION_BUCKETS.context;

const storedTask = z.object({
  id: z.string(),
  description: z.string(),
  role: z.string(),
  planId: z.string().optional(),
  storyId: z.string().optional(),
});
const storedDecision = z.object({
  id: z.string(),
  type: z.string(),
  text: z.string(),
  rationale: z.string(),
  decidedBy: z.string(),
  decidedAt: z.string(),
  deliberationId: z.string(),
});
const storedAnswer = z.object({
  agentId: z.string(),
  role: z.string(),
  score: z.number(),
  rank: z.number(),
  round: z.number(),
  deliberationId: z.string(),
});

const keys = {
  task: (task: string) => `task.${safeToken(task)}`,
  /** A decision hangs on its task. */
  decision: (task: string, decision: string) => `decided.${safeToken(task)}.${safeToken(decision)}`,
  decisions: (task: string) => `decided.${safeToken(task)}.*`,
  answer: (task: string, deliberation: string, agent: string) =>
    `answered.${safeToken(task)}.${safeToken(deliberation)}.${safeToken(agent)}`,
  answers: (task: string) => `answered.${safeToken(task)}.*.*`,
  part: (agent: string, decision: string) => `took_part.${safeToken(agent)}.${safeToken(decision)}`,
  parts: (agent: string) => `took_part.${safeToken(agent)}.*`,
};

/** @throws ConnectionFailed */
export async function openKvContextStore(nc: NatsConnection): Promise<ContextStore> {
  const { replicas } = await ensureTopology(nc);
  const kvm = new Kvm(jetstream(nc));
  await kvm.create(CONTEXT_BUCKET, { history: 1, replicas, compression: true });
  // Not from the nearest replica: who has written reads what it wrote.
  return new KvContextStore(nc, await kvm.open(CONTEXT_BUCKET, { allow_direct: false }));
}

class KvContextStore implements ContextStore {
  readonly name = `JetStream KV (${CONTEXT_BUCKET})`;
  readonly #nc: NatsConnection;
  readonly #kv: KV;

  constructor(nc: NatsConnection, kv: KV) {
    this.#nc = nc;
    this.#kv = kv;
  }

  async save(context: DecisionContext): Promise<void> {
    const { decision, deliberationId, task, planId, storyId, answers } = context;
    await Promise.all([
      this.#put(keys.decision(task.id, decision.id), { ...decision, deliberationId }),
      ...answers.flatMap((answer) => [
        this.#put(keys.answer(task.id, deliberationId, answer.agentId), { ...answer, deliberationId }),
        this.#put(keys.part(answer.agentId, decision.id), { decisionId: decision.id }),
      ]),
    ]);
    await this.#put(keys.task(task.id), {
      ...task,
      ...(planId === undefined ? {} : { planId }),
      ...(storyId === undefined ? {} : { storyId }),
    });
  }

  async task(taskId: string): Promise<TaskContext | undefined> {
    const entry = await this.#kv.get(keys.task(taskId));
    const task = entry?.operation === "PUT" ? decodeMessage(storedTask, entry.value) : undefined;
    if (!task?.ok) return undefined;
    const [decisions, answers] = await Promise.all([
      this.#all(keys.decisions(taskId), storedDecision),
      this.#all(keys.answers(taskId), storedAnswer),
    ]);
    const { id, description, role, planId, storyId } = task.value;
    return {
      task: { id, description, role },
      planId,
      storyId,
      decisions: decisions.sort((a, b) => order(a.id, b.id)),
      answers: answers.sort((a, b) => order(a.deliberationId, b.deliberationId) || order(a.agentId, b.agentId)),
    };
  }

  async decisionsOf(agentId: string): Promise<readonly string[]> {
    const found = await this.#all(keys.parts(agentId), z.object({ decisionId: z.string() }));
    return found.map(({ decisionId }) => decisionId).sort(order);
  }

  async check(): Promise<void> {
    await this.#nc.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The connection is its owner's.
  }

  async #put(key: string, value: unknown): Promise<void> {
    await this.#kv.put(key, encodeMessage(value));
  }

  async #all<S extends z.ZodType>(filter: string, schema: S): Promise<z.output<S>[]> {
    const names: string[] = [];
    for await (const key of await this.#kv.keys(filter)) names.push(key);
    const entries = await Promise.all(names.map((key) => this.#kv.get(key)));
    return entries.flatMap((entry) => {
      const decoded = entry?.operation === "PUT" ? decodeMessage(schema, entry.value) : undefined;
      return decoded?.ok ? [decoded.value] : [];
    });
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
