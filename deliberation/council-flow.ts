/**
 * The flow that every deliberation runs, as the editor reads it. One graph for any number of agents and rounds: both are
 * inputs, so that all deliberations share a stored flow.
 */
import type { Duration } from "../flow/index.ts";

export const FLOW_NAME = "deliberation";

/** Most agents that think at the same time in one deliberation. */
const AT_ONCE = 64;
/** The run variable that holds the answers so far. */
const STATE = "council";

const input = (type: string, description: string, fallback?: unknown) =>
  fallback === undefined ? { type, required: true, description } : { type, default: fallback, description };

const apiSchema = {
  task_id: input("str", "One task is one deliberation"),
  task_description: input("str", "What the agents are to answer"),
  role: input("str", "The role that they answer in"),
  agents: input("list", "The council: {id, role?, profile?, model?, …} each"),
  constraints: input("dict", "What an answer has to keep to", {}),
  vllm_url: input("str", "The endpoint; empty: the deployment's", ""),
  vllm_model: input("str", "The model; empty: the deployment's", ""),
  rounds: input("int", "From the second round on agents see each other's answers", 1),
  quorum: input("int", "Answers that it takes; 0: more than half", 0),
  deadline_seconds: input("float", "Longest time to collect answers", 600),
  budget_tokens: input("int", "Tokens of all agents and rounds; 0: no limit", 0),
  tenant: input("str", "Whose limits count", "default"),
  rubric: input("list", "What answers are scored by; empty: the default rubric", []),
  stream: input("bool", "Whether tokens are published as they come", true),
};

interface NodeSpec {
  readonly type: string;
  readonly label: string;
  readonly at: readonly [x: number, y: number];
  readonly config?: Record<string, unknown>;
  readonly policy?: Record<string, unknown>;
  readonly constants?: Record<string, unknown>;
}

const nodes = (deadline: Duration): Record<string, NodeSpec> => ({
  start: { type: "start", label: "Task", at: [0, 0], config: { api_schema: apiSchema } },
  council: { type: "ai_council", label: "Council", at: [330, 0] },
  rounds: { type: "control_repeat", label: "Rounds", at: [660, 0], config: { max_iterations: 10 } },
  recall: {
    type: "variables_get",
    label: "Answers so far",
    at: [960, -260],
    config: { variable_name: STATE, scope: "run", default: {} },
  },
  agents: {
    type: "control_for_each",
    label: "Agents in parallel",
    at: [1260, -260],
    config: { concurrency: AT_ONCE, on_item_error: "collect" },
  },
  agent: {
    type: "ai_agent",
    label: "Agent",
    at: [1590, -560],
    // Durable, and counted from when the agent is due: it also holds when no actor is there to watch the clock.
    policy: { deadline, timeout: deadline },
  },
  collect: { type: "ai_collect", label: "Collect", at: [1940, -180] },
  remember: {
    type: "variables_set",
    label: "Keep the answers",
    at: [2270, -180],
    config: { variable_name: STATE, scope: "run" },
  },
  answers: {
    type: "variables_get",
    label: "All answers",
    at: [960, 280],
    config: { variable_name: STATE, scope: "run", default: {} },
  },
  judge: { type: "ai_judge", label: "Judge", at: [1260, 200] },
  announce: { type: "ai_announce", label: "Announce", at: [1590, 200] },
  decided: { type: "return", label: "Decided", at: [1940, 200], config: { name: "decided", status_code: 200 } },
  no_quorum: { type: "ai_announce", label: "No quorum", at: [960, 520] },
  no_verdict: { type: "ai_announce", label: "No verdict", at: [1590, 640] },
});

/** `from.pin > to.pin`; `->` where it is an exec wire. */
const wires = [
  "start.finish -> council.exec",
  ...Object.keys(apiSchema).map((name) => `start.${name} > council.${name}`),
  "council.finish -> rounds.exec",
  "council.rounds > rounds.times",

  "rounds.body -> recall.exec",
  "recall.finish -> agents.exec",
  "council.seats > agents.list",
  "agents.body -> agent.exec",
  "agents.item > agent.agent",
  "rounds.index > agent.round_index",
  "recall.value > agent.peers",
  "council.brief > agent.brief",
  "agent.answer > agents.collect",
  "agents.completed -> collect.exec",
  "agents.results > collect.results",
  "council.seats > collect.seats",
  "council.quorum > collect.quorum",
  "rounds.index > collect.round_index",
  "recall.value > collect.earlier",
  "collect.finish -> remember.exec",
  "collect.state > remember.value",

  "rounds.completed -> judge.exec",
  "answers.value > judge.state",
  "council.brief > judge.brief",
  "judge.finish -> announce.exec",
  "judge.verdict > announce.verdict",
  "council.brief > announce.brief",
  "announce.finish -> decided.exec",
  ...["task_id", "role", "winner", "results", "scores", "failures", "rounds", "usage", "duration_ms", "stand_in"].map(
    (name) => `announce.${name} > decided.${name}`,
  ),

  "rounds.error -> no_quorum.exec",
  "rounds.error > no_quorum.error",
  "council.brief > no_quorum.brief",
  "judge.error -> no_verdict.exec",
  "judge.error > no_verdict.error",
  "council.brief > no_verdict.brief",
];

/** The flow's JSON in the editor's own shape. `deadline`: the longest time that an agent's step may take. */
export function councilFlow({ deadline }: { readonly deadline: Duration }): Record<string, unknown> {
  return {
    metadata: {
      name: FLOW_NAME,
      version: "1.0.0",
      description: "A council of agents answers a task in parallel, in rounds; a judge scores the answers",
    },
    variables: {},
    flow: {
      nodes: Object.entries(nodes(deadline)).map(
        ([
          id,
          {
            type,
            label,
            at: [x, y],
            config,
            policy,
            constants,
          },
        ]) => ({
          id,
          type,
          position: { x, y },
          data: {
            label,
            ...(config === undefined ? {} : { config }),
            ...(policy === undefined ? {} : { policy }),
            ...(constants === undefined ? {} : { constantValues: constants }),
          },
        }),
      ),
      edges: wires.map(edgeOf),
    },
  };
}

function edgeOf(wire: string, at: number): Record<string, unknown> {
  const exec = wire.includes(" -> ");
  const [from = "", to = ""] = wire.split(exec ? " -> " : " > ");
  const [source, output] = from.split(".");
  const [target, pin] = to.split(".");
  return {
    id: `e${at + 1}`,
    source,
    target,
    sourceHandle: exec ? `exec-${output}` : `output-${output}`,
    targetHandle: exec ? `exec-${pin}` : `input-${pin}`,
  };
}
