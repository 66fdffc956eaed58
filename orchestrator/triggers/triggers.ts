/**
 * The triggers of all deployed flows, kept in step with the registry. Every orchestrator has them all: shared consumers,
 * queue groups and ids that follow from the cause make one run of each cause, without a leader.
 */
import type { JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Trigger } from "../../flow/index.ts";
import {
  type ActiveTrigger,
  type DeployedFlow,
  decodeVariable,
  type FlowRegistry,
  type TriggerState,
  variableLocation,
} from "../../store/index.ts";
import type { Logger } from "../logger.ts";
import { payloadInputs } from "./payload-inputs.ts";
import type { RunningTrigger, TriggerParts } from "./running-trigger.ts";
import { ScheduledTriggers } from "./scheduled-triggers.ts";
import { removeConsumer, type StreamSource, startStreamTrigger } from "./stream-trigger.ts";
import { startSubjectTrigger } from "./subject-trigger.ts";
import { TriggerRuns } from "./trigger-runs.ts";

export interface TriggersOptions {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly registry: FlowRegistry;
  readonly state: TriggerState;
  readonly logger: Logger;
}

interface Listening {
  readonly active: ActiveTrigger;
  /** What it does, to see whether a deployment changed that. */
  readonly written: string;
  readonly running: RunningTrigger;
}

/** Wait before another try at what the server did not take, ms. */
const AGAIN_MS = 5_000;
const IDLE: RunningTrigger = { stop: async () => undefined };

export class Triggers {
  readonly #options: TriggersOptions;
  readonly #parts: TriggerParts;
  readonly #scheduled: ScheduledTriggers;
  /** By flow, by trigger id. */
  readonly #listening = new Map<string, Map<string, Listening>>();
  /** Consumers that are gone already. */
  readonly #removed = new Set<string>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #watch: { stop(): void } | undefined;
  #work: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: TriggersOptions) {
    this.#options = options;
    const { nc, js, jsm, logger, state } = options;
    const runs = new TriggerRuns(nc, js);
    this.#parts = { nc, js, jsm, logger, runs };
    this.#scheduled = new ScheduledTriggers({ js, jsm, logger, state, runs, find: (flow, id) => this.#find(flow, id) });
  }

  /** Resolves when the registry is in memory; the triggers come up one after the other. */
  async start(): Promise<void> {
    const watch = await this.#options.registry.watch((flow) => this.#enqueue(flow));
    this.#watch = watch;
    await watch.ready;
    void this.#watchConnection();
  }

  /** Hands over: schedules and consumers stay, others serve them. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#watch?.stop();
    for (const retry of this.#retries) clearTimeout(retry);
    await this.#work;
    const all = [...this.#listening.values()].flatMap((ofFlow) => [...ofFlow.values()]);
    await Promise.allSettled(all.map(({ running }) => running.stop()));
  }

  /** Serves a fired schedule of a trigger. Never fails. */
  fired(msg: JsMsg): Promise<void> {
    return this.#scheduled.fired(msg);
  }

  async #find(flow: string, id: string): Promise<ActiveTrigger | undefined> {
    const ofFlow = (deployed: DeployedFlow | undefined) => deployed?.triggers.find((active) => active.id === id);
    const { registry } = this.#options;
    // Memory may be a little behind.
    return ofFlow(registry.deployed.get(flow)) ?? ofFlow(await registry.get(flow));
  }

  #enqueue({ name }: DeployedFlow): void {
    this.#work = this.#work.then(async () => {
      // Several changes at once need the last one only.
      const latest = this.#options.registry.deployed.get(name);
      if (this.#stopping || latest === undefined) return;
      try {
        await this.#reconcile(latest);
      } catch (error) {
        this.#options.logger.warn({ flow: name, err: error }, "the triggers of a flow are not up; trying again");
        const retry = setTimeout(() => {
          this.#retries.delete(retry);
          this.#enqueue(latest);
        }, AGAIN_MS);
        this.#retries.add(retry);
      }
    });
  }

  async #reconcile(flow: DeployedFlow): Promise<void> {
    const listening = this.#listening.get(flow.name) ?? new Map<string, Listening>();
    this.#listening.set(flow.name, listening);
    const wanted = new Map(flow.triggers.map((active) => [active.id, active]));
    for (const [id, { active, written, running }] of listening) {
      const now = wanted.get(id);
      if (now !== undefined && JSON.stringify(now) === written) continue;
      await running.stop();
      listening.delete(id);
      const isScheduled = active.trigger.type === "cron" || active.trigger.type === "interval";
      if (now === undefined && isScheduled) await this.#scheduled.remove(flow.name, id);
    }
    for (const retired of flow.retired) await this.#removeConsumer(flow.name, retired);
    for (const active of flow.triggers) {
      if (listening.has(active.id)) continue;
      const running = await this.#listen(flow.name, active);
      listening.set(active.id, { active, written: JSON.stringify(active), running });
    }
  }

  async #listen(flow: string, active: ActiveTrigger): Promise<RunningTrigger> {
    const { id, trigger } = active;
    if (trigger.type === "cron" || trigger.type === "interval") {
      await this.#scheduled.ensure(flow, id, trigger);
      return IDLE;
    }
    const source = streamSource(flow, trigger);
    if (source !== undefined) return startStreamTrigger(flow, active, source, this.#parts);
    return trigger.type === "subject" ? startSubjectTrigger(flow, id, trigger, this.#parts) : IDLE;
  }

  async #removeConsumer(flow: string, retired: ActiveTrigger): Promise<void> {
    const key = `${flow} ${retired.id} ${retired.since}`;
    const stream = streamSource(flow, retired.trigger)?.stream;
    if (stream === undefined || this.#removed.has(key)) return;
    await removeConsumer(this.#options.jsm, stream, flow, retired);
    this.#removed.add(key);
  }

  /** A server that came back has forgotten the watch, and may have lost the last schedules it was given. */
  async #watchConnection(): Promise<void> {
    const { nc, registry, logger } = this.#options;
    for await (const status of nc.status()) {
      if (status.type !== "reconnect" || this.#stopping) continue;
      for (const listening of this.#listening.values()) {
        for (const [id, { active }] of listening) {
          if (active.trigger.type === "cron" || active.trigger.type === "interval") listening.delete(id);
        }
      }
      const before = this.#watch;
      try {
        // It begins with all that is deployed.
        this.#watch = await registry.watch((flow) => this.#enqueue(flow));
        before?.stop();
      } catch (error) {
        logger.warn({ err: error }, "deployments are seen again in a few seconds only");
      }
      if (this.#stopping) this.#watch?.stop();
    }
  }
}

/** Where a trigger's messages lie, when they lie in a stream. */
function streamSource(flow: string, trigger: Trigger): StreamSource | undefined {
  if (trigger.type === "variable") {
    const [scope, name] = splitVariable(trigger.variable);
    const { stream, subject } = variableLocation(scope === "flow" ? { scope, flow } : { scope: "global" }, name);
    return {
      stream,
      subject,
      maxPerSecond: trigger.max_per_second,
      inputsOf: (msg) => {
        const variable = decodeVariable(msg);
        return variable && { ...trigger.inputs, name, value: variable.value, revision: msg.seq };
      },
    };
  }
  if (trigger.type !== "subject" || trigger.stream === undefined) return undefined;
  return {
    stream: trigger.stream,
    subject: trigger.subject,
    maxPerSecond: trigger.max_per_second,
    inputsOf: (msg) => ({ ...trigger.inputs, ...payloadInputs(msg.subject, msg.data) }),
  };
}

function splitVariable(variable: string): [scope: string, name: string] {
  const dot = variable.indexOf(".");
  return [variable.slice(0, dot), variable.slice(dot + 1)];
}
