/** Where decisions and what they rest on are kept: the port, and what goes through it. */
import type { DeliberationCompletedEvent } from "../messages.ts";

/** One decision with its task, the agents that answered and the plan that asked. */
export interface DecisionContext {
  readonly decision: {
    readonly id: string;
    readonly type: string;
    readonly text: string;
    readonly rationale: string;
    readonly decidedBy: string;
    readonly decidedAt: string;
  };
  readonly deliberationId: string;
  readonly task: { readonly id: string; readonly description: string; readonly role: string };
  readonly planId: string | undefined;
  readonly storyId: string | undefined;
  readonly answers: readonly AgentAnswerContext[];
}

/** How an agent did on a task. */
export interface AgentAnswerContext {
  readonly agentId: string;
  readonly role: string;
  readonly score: number;
  readonly rank: number;
  readonly round: number;
}

/** What is known of a task. Lists are in the order of their ids. */
export interface TaskContext {
  readonly task: DecisionContext["task"];
  readonly planId: string | undefined;
  readonly storyId: string | undefined;
  readonly decisions: readonly (DecisionContext["decision"] & { readonly deliberationId: string })[];
  readonly answers: readonly (AgentAnswerContext & { readonly deliberationId: string })[];
}

export interface ContextStore extends AsyncDisposable {
  /** What it is, for people: `neo4j at bolt://…`. */
  readonly name: string;
  /** Keeps a decision with everything around it. The same one twice is one. Fails when it cannot be kept now. */
  save(context: DecisionContext): Promise<void>;
  /** Undefined when nothing is known of it. */
  task(taskId: string): Promise<TaskContext | undefined>;
  /** The decisions in which an agent took part, in order. */
  decisionsOf(agentId: string): Promise<readonly string[]>;
  /** Fails when the store does not answer. */
  check(): Promise<void>;
}

/** What a completed deliberation has to say, decision by decision. */
export function contextsOf(event: DeliberationCompletedEvent): DecisionContext[] {
  const answers = event.results.map(({ agent_id, role, score, rank, round }) => ({
    agentId: agent_id,
    role,
    score,
    rank,
    round,
  }));
  return event.decisions.map(({ id, type, decision, rationale, decided_by }) => ({
    decision: { id, type, text: decision, rationale, decidedBy: decided_by, decidedAt: event.timestamp },
    deliberationId: event.deliberation_id,
    task: { id: event.task_id, description: event.task_description, role: event.role },
    planId: event.plan_id,
    storyId: event.story_id,
    answers,
  }));
}
