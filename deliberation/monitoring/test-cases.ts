/** What can be tried out from the monitoring page: each is a plan, published as a planner publishes it. */
import { randomUUID } from "node:crypto";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import type { TestCase, TestCaseRun } from "../../gateway/index.ts";
import { encodeMessage } from "../../nats/index.ts";
import { deliberationIdOf } from "../messages.ts";
import { PLAN_APPROVED, planTaskId } from "../pipeline/plan-message.ts";

interface Plan {
  readonly description: string;
  readonly role: string;
  readonly rounds?: number;
  readonly agents: number;
  readonly tasks: readonly string[];
}

const PLANS: Readonly<Record<string, Plan>> = {
  basic: {
    description: "One task, three agents, one round",
    role: "DEV",
    agents: 3,
    tasks: ["Write a function that says whether a text is a palindrome, and name the cases to test"],
  },
  rounds: {
    description: "One task, three agents, a second round in which they see each other's answers",
    role: "ARCHITECT",
    agents: 3,
    rounds: 2,
    tasks: ["Choose how two services share a customer's address, and say what you give up"],
  },
  plan: {
    description: "A plan of three tasks, three agents each",
    role: "QA",
    agents: 3,
    tasks: [
      "List the risks of a migration without downtime",
      "Write the acceptance criteria of a password reset",
      "Say how to find out why one request in a thousand is slow",
    ],
  },
};

export const testCases: readonly TestCase[] = Object.entries(PLANS).map(([name, { description }]) => ({
  name,
  description,
}));

/** @throws ValidationError when there is none of that name, ConnectionFailed */
export async function executeTestCase(nc: NatsConnection, name: string): Promise<TestCaseRun> {
  const plan = Object.hasOwn(PLANS, name) ? PLANS[name] : undefined;
  if (plan === undefined) {
    const known = Object.keys(PLANS).join(", ");
    throw new RayflowError("ValidationError", `there is no test case ${JSON.stringify(name)}; there are ${known}`);
  }
  const plan_id = `test-${name}-${randomUUID().slice(0, 8)}`;
  const tasks = plan.tasks.map((task_description, at) => ({ task_id: `task-${at + 1}`, task_description }));
  const agents = Array.from({ length: plan.agents }, (_, at) => ({
    id: `agent-${plan.role.toLowerCase()}-${String(at + 1).padStart(3, "0")}`,
  }));
  const { role, rounds } = plan;
  const message = { plan_id, role, agents, tasks, ...(rounds === undefined ? {} : { rounds }) };
  await jetstream(nc).publish(PLAN_APPROVED, encodeMessage(message), { msgID: `test-case:${plan_id}` });
  return {
    test_case: name,
    plan_id,
    deliberations: tasks.map(({ task_id }) => {
      const id = planTaskId(plan_id, task_id);
      return { task_id: id, deliberation_id: deliberationIdOf(id) };
    }),
  };
}
