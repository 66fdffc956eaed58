/**
 * The context as a graph in Neo4j:
 *
 *   (:Agent)-[:ANSWERED {deliberation_id, score, rank, round}]->(:Task)-[:PART_OF]->(:Plan)-[:OF]->(:Story)
 *   (:Decision)-[:DECIDES]->(:Task)   (:Agent)-[:MADE]->(:Decision)   (:Agent)-[:TOOK_PART]->(:Decision)
 *
 * N1. All of a decision is one transaction, every node and relation merged by its id: to write twice is to write once.
 * N2. Ids are unique by constraint, so that two writers at once make one node.
 */
import type { Driver } from "neo4j-driver";
import { z } from "zod";
import type { ContextStore, DecisionContext, TaskContext } from "./context-store.ts";

export interface Neo4jOptions {
  /** `bolt://host:7687`, `neo4j://…`, `neo4j+s://…`. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Default: the server's own. */
  readonly database?: string | undefined;
  /** How long it may take to connect, and a transaction with its repetitions, ms. Default 10 000. */
  readonly timeoutMs?: number | undefined;
}

const LABELS = ["Decision", "Task", "Agent", "Plan", "Story"] as const;
const TIMEOUT_MS = 10_000;

export const SAVE = `
MERGE (task:Task {id: $task.id})
  SET task.description = $task.description, task.role = $task.role
MERGE (decision:Decision {id: $decision.id})
  SET decision.type = $decision.type, decision.text = $decision.text, decision.rationale = $decision.rationale,
      decision.decided_by = $decision.decidedBy, decision.decided_at = $decision.decidedAt,
      decision.deliberation_id = $deliberationId
MERGE (decision)-[:DECIDES]->(task)
FOREACH (id IN CASE WHEN $planId IS NULL THEN [] ELSE [$planId] END |
  MERGE (plan:Plan {id: id})
  MERGE (task)-[:PART_OF]->(plan)
  FOREACH (storyId IN CASE WHEN $storyId IS NULL THEN [] ELSE [$storyId] END |
    MERGE (story:Story {id: storyId})
    MERGE (plan)-[:OF]->(story)))
FOREACH (id IN CASE WHEN $storyId IS NULL THEN [] ELSE [$storyId] END |
  MERGE (story:Story {id: id})
  MERGE (task)-[:OF]->(story))
FOREACH (answer IN $answers |
  MERGE (agent:Agent {id: answer.agentId})
    SET agent.role = answer.role
  MERGE (agent)-[answered:ANSWERED {deliberation_id: $deliberationId}]->(task)
    SET answered.role = answer.role, answered.score = answer.score, answered.rank = answer.rank,
        answered.round = answer.round
  MERGE (agent)-[:TOOK_PART]->(decision)
  FOREACH (_ IN CASE WHEN answer.agentId = $decision.decidedBy THEN [1] ELSE [] END | MERGE (agent)-[:MADE]->(decision)))
`;

const READ_TASK = `
MATCH (task:Task {id: $id})
OPTIONAL MATCH (task)-[:PART_OF]->(plan:Plan)
OPTIONAL MATCH (task)-[:OF]->(story:Story)
RETURN task {.id, .description, .role} AS task, plan.id AS planId, story.id AS storyId,
  [(decision:Decision)-[:DECIDES]->(task) | decision {.id, .type, .text, .rationale, .decided_by, .decided_at, .deliberation_id}]
    AS decisions,
  [(agent:Agent)-[answered:ANSWERED]->(task) | answered {.role, .score, .rank, .round, .deliberation_id, agent_id: agent.id}]
    AS answers
LIMIT 1
`;

const READ_AGENT = `
MATCH (:Agent {id: $id})-[:TOOK_PART]->(decision:Decision)
RETURN decision.id AS id ORDER BY id
`;

const taskRow = z.object({
  task: z.object({ id: z.string(), description: z.string(), role: z.string() }),
  planId: z.string().nullable(),
  storyId: z.string().nullable(),
  decisions: z.array(
    z.object({
      id: z.string(),
      type: z.string(),
      text: z.string(),
      rationale: z.string(),
      decided_by: z.string(),
      decided_at: z.string(),
      deliberation_id: z.string(),
    }),
  ),
  answers: z.array(
    z.object({
      agent_id: z.string(),
      role: z.string(),
      score: z.number(),
      rank: z.number(),
      round: z.number(),
      deliberation_id: z.string(),
    }),
  ),
});

/** Connects when it is first used: a database that is away is no reason not to start. */
export async function openNeo4jContextStore(options: Neo4jOptions): Promise<ContextStore> {
  const { default: neo4j } = await import("neo4j-driver");
  const { url, user = "neo4j", password, timeoutMs = TIMEOUT_MS } = options;
  const auth = password === undefined ? undefined : neo4j.auth.basic(user, password);
  // Numbers as numbers: none here is larger than what a double holds.
  const driver = neo4j.driver(url, auth, {
    disableLosslessIntegers: true,
    connectionTimeout: timeoutMs,
    connectionAcquisitionTimeout: timeoutMs,
    maxTransactionRetryTime: timeoutMs,
  });
  return new Neo4jContextStore(driver, url, options.database);
}

class Neo4jContextStore implements ContextStore {
  readonly name: string;
  readonly #driver: Driver;
  readonly #database: { database?: string };
  #ready: Promise<void> | undefined;

  constructor(driver: Driver, url: string, database: string | undefined) {
    this.#driver = driver;
    this.#database = database === undefined ? {} : { database };
    this.name = `Neo4j at ${url}`;
  }

  async save(context: DecisionContext): Promise<void> {
    await this.#prepare();
    const { decision, deliberationId, task, planId = null, storyId = null, answers } = context;
    const parameters = {
      decision: { ...decision },
      deliberationId,
      task: { ...task },
      planId,
      storyId,
      answers: answers.map((answer) => ({ ...answer })),
    };
    await this.#driver.executeQuery(SAVE, parameters, this.#database);
  }

  async task(taskId: string): Promise<TaskContext | undefined> {
    const { records } = await this.#driver.executeQuery(
      READ_TASK,
      { id: taskId },
      { ...this.#database, routing: "READ" },
    );
    const row = records[0]?.toObject();
    if (row === undefined) return undefined;
    const { task, planId, storyId, decisions, answers } = taskRow.parse(row);
    return {
      task,
      planId: planId ?? undefined,
      storyId: storyId ?? undefined,
      decisions: decisions
        .map(({ decided_by, decided_at, deliberation_id, ...rest }) => ({
          ...rest,
          decidedBy: decided_by,
          decidedAt: decided_at,
          deliberationId: deliberation_id,
        }))
        .sort((a, b) => order(a.id, b.id)),
      answers: answers
        .map(({ agent_id, deliberation_id, ...rest }) => ({
          ...rest,
          agentId: agent_id,
          deliberationId: deliberation_id,
        }))
        .sort((a, b) => order(a.deliberationId, b.deliberationId) || order(a.agentId, b.agentId)),
    };
  }

  async decisionsOf(agentId: string): Promise<readonly string[]> {
    const { records } = await this.#driver.executeQuery(
      READ_AGENT,
      { id: agentId },
      { ...this.#database, routing: "READ" },
    );
    return records.map((record) => String(record.get("id")));
  }

  async check(): Promise<void> {
    await this.#driver.verifyConnectivity(this.#database);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#driver.close();
  }

  /** Once per process; a failure is tried again with the next decision. */
  #prepare(): Promise<void> {
    this.#ready ??= this.#constrain().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #constrain(): Promise<void> {
    for (const label of LABELS) {
      const name = `rayflow_${label.toLowerCase()}_id`;
      const query = `CREATE CONSTRAINT ${name} IF NOT EXISTS FOR (n:${label}) REQUIRE n.id IS UNIQUE`;
      await this.#driver.executeQuery(query, {}, this.#database);
    }
  }
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
