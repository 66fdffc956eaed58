/** The deployed flows of the server that a command talks to. */
import type { NatsConnection } from "@nats-io/transport-node";
import { nextDue, type Trigger } from "../flow/index.ts";
import type { ActiveTrigger, DeployedFlow, FlowRegistry } from "../store/index.ts";
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";
import { noServer } from "./flow-argument.ts";

/** Connects, calls back, closes. @throws ConnectionFailed */
export async function withRegistry(
  context: CliContext,
  name: string,
  use: (registry: FlowRegistry, nc: NatsConnection) => Promise<void>,
): Promise<void> {
  const running = await connectIfRunning(context.flags, context.environment, name);
  if (running === undefined) throw noServer();
  try {
    const [{ FlowRegistry: Registry }, { ensureTopology }] = await Promise.all([
      import("../store/index.ts"),
      import("../nats/index.ts"),
    ]);
    await ensureTopology(running.nc);
    await use(await Registry.open(running.nc), running.nc);
  } finally {
    await running.nc.close();
  }
}

/** A deployed flow as commands print it in JSON. */
export function flowJson(flow: DeployedFlow) {
  const { v: _, retired: __, deployed_at, versions, triggers, deleted, ...rest } = flow;
  return {
    ...rest,
    deployed_at: iso(deployed_at),
    ...(deleted ? { deleted } : {}),
    triggers: triggers.map(({ id, trigger }) => ({ id, ...trigger, ...dueNext(trigger) })),
    versions: versions.map((version) => ({ ...version, deployed_at: iso(version.deployed_at) })),
  };
}

/** One line: what a trigger waits for, and when it is due. */
export function describeTrigger({ trigger }: Pick<ActiveTrigger, "trigger">): string {
  const due = dueNext(trigger).next;
  const next = due === undefined ? "" : `, next ${due}`;
  switch (trigger.type) {
    case "cron":
      return `cron ${trigger.cron} (${trigger.timezone})${next}`;
    case "interval":
      return `every ${typeof trigger.every === "number" ? `${trigger.every}s` : trigger.every}${next}`;
    case "subject":
      return `on subject ${trigger.subject}${trigger.stream === undefined ? "" : ` in the stream ${trigger.stream}`}`;
    case "variable":
      return `on variable ${trigger.variable}`;
  }
}

function dueNext(trigger: Trigger): { next?: string } {
  if (trigger.type !== "cron" && trigger.type !== "interval") return {};
  const due = nextDue(trigger, Date.now());
  return due === undefined ? {} : { next: iso(due) };
}

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
