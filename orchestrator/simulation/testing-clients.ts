/** Those who submit runs, send them signals, pause, step and cancel them; and the operator who sees that all come to an end. */
import type { Flow } from "../../flow/index.ts";
import { encodeMessage, partitionOf, type RunMessage, subjects, WIRE_VERSION } from "../../nats/index.ts";
import { FLOWS, simulatedFlow } from "./testing-flows.ts";
import { PARTITIONS } from "./testing-log.ts";
import { Process } from "./testing-time.ts";
import type { Watch } from "./testing-watch.ts";
import type { World } from "./testing-world.ts";

const AGAIN_MS = 1_000;
/** How often the operator looks at what still runs, ms. */
const ROUND_MS = 4_000;
/** What the random flows call their pure nodes. */
const PURE = /^(pure|cmp)/;
const SIGNALS = ["s0", "s1", "s2"];

type Control = Extract<RunMessage, { kind: "control" }>;

export class Clients {
  /** Runs that are submitted, whether the log has them yet or not. */
  readonly runs: string[] = [];
  readonly #world: World;
  readonly #watch: Watch;
  readonly #process: Process;
  #messages = 0;

  constructor(world: World, watch: Watch) {
    this.#world = world;
    this.#watch = watch;
    this.#process = new Process(world.time, "client");
    world.timers.onFired = (subject) => this.#fired(subject);
  }

  submit(count: number): void {
    const { time } = this.#world;
    for (let at = 0; at < count; at++) {
      const run = `r${at}x${time.below(1_000_000)}`;
      this.runs.push(run);
      const flow = simulatedFlow(time.below(FLOWS));
      const options = time.chance(0.3) ? { breakpoints: this.#someNodes(flow.flow) } : {};
      const message: RunMessage = { v: WIRE_VERSION, kind: "submitted", run, ...flow, inputs: {}, options };
      time.after(time.below(8_000), () => {
        this.#append(message, `${run}:submitted`);
        if (time.chance(0.3)) time.after(time.below(20_000), () => this.#append(message, `${run}:submitted`));
        this.#interfere(run);
        if (options.breakpoints) this.#debug(run, flow.flow);
      });
    }
  }

  /** From now on everything that waits for a person gets what it waits for. */
  operate(): void {
    const { time } = this.#world;
    for (const { run } of this.#watch.runs.values()) {
      if (run.result) continue;
      if (run.state === "paused") {
        const goOn = time.pick(["resume", "continue", "step"] as const);
        this.#control(run.id, run.details.incidents > 0 ? "retry" : goOn);
      }
      for (const signal of run.details.listeners.keys()) this.#signal(run.id, signal);
    }
    time.after(ROUND_MS, () => this.operate());
  }

  #interfere(run: string): void {
    const { time } = this.#world;
    for (let signals = time.below(4); signals > 0; signals--) {
      time.after(time.below(30_000), () => this.#signal(run, time.pick(SIGNALS)));
    }
    if (time.chance(0.2)) time.after(time.below(15_000), () => this.#control(run, "pause"));
    if (time.chance(0.2)) time.after(time.below(25_000), () => this.#control(run, time.pick(["resume", "retry"])));
    if (time.chance(0.15)) time.after(time.below(20_000), () => this.#control(run, time.pick(["cancel", "terminate"])));
  }

  /** Somebody sits at a debugger. */
  #debug(run: string, flow: Flow): void {
    const { time } = this.#world;
    for (let commands = time.below(8); commands > 0; commands--) {
      time.after(time.below(30_000), () => {
        if (time.chance(0.15)) this.#control(run, "breakpoints", { nodes: this.#someNodes(flow) });
        else this.#control(run, time.pick(["step", "step", "continue"]));
      });
    }
  }

  #someNodes(flow: Flow): string[] {
    const ids = flow.nodes.map(({ id }) => id).filter((id) => !PURE.test(id));
    return ids.filter(() => this.#world.time.chance(0.3));
  }

  #signal(run: string, signal: string): void {
    const id = `g${++this.#messages}`;
    const message: RunMessage = { v: WIRE_VERSION, kind: "signal", run, signal, payload: { id }, id };
    this.#append(message, `${run}:${id}`);
    // Whoever sends a signal may repeat it: under the same id it is the same one.
    if (this.#world.time.chance(0.2)) this.#append(message, `${run}:${id}:again`);
  }

  #control(run: string, action: Control["action"], more: Pick<Control, "nodes"> = {}): void {
    const id = `c${++this.#messages}`;
    const message: RunMessage = { v: WIRE_VERSION, kind: "control", run, action, id, ...more };
    this.#append(message, `${run}:${id}`);
    // A repetition that the log took for news: it is the same command.
    if (this.#world.time.chance(0.1)) this.#append(message, `${run}:${id}:again`);
  }

  /** As `Timers` forwards a fired timer into the log. */
  #fired(subject: string): void {
    const [, , , run = "", id = ""] = subject.split(".");
    this.#append({ v: WIRE_VERSION, kind: "timer", run, id }, `${run}:${id}:fired`);
  }

  #append(message: RunMessage, msgID: string): void {
    const subject = subjects.run(partitionOf(message.run, PARTITIONS), message.run);
    const bytes = encodeMessage(message);
    const send = (): void => {
      this.#world.publish(this.#process, subject, bytes, { msgID }).catch(() => this.#process.later(AGAIN_MS, send));
    };
    send();
  }
}
