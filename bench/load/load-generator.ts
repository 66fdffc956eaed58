/**
 * Submits runs and takes their results, one request at a time.
 *
 * A run counts when its result is here, and only if it is the one it must be; a wrong one ends the measurement.
 */
import { jetstream } from "@nats-io/jetstream";
import { createInbox, headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { Measurement } from "../measurement.ts";
import { readCpu } from "../process-cpu.ts";
import type { LoadReport, LoadRequest, LoadTarget } from "./protocol.ts";

/** No completion for so long, and the measurement has failed, ms. */
const STALL_MS = 60_000;

interface Finished {
  readonly kind: string;
  readonly error?: { readonly message?: string };
  readonly result?: {
    readonly success: boolean;
    readonly result: Readonly<Record<string, unknown>> | null;
    readonly error: { readonly message?: string } | null;
    readonly statistics: { readonly nodes_executed: number };
  };
}

interface Work {
  readonly target: LoadTarget;
  readonly measurement: Measurement;
  readonly done: (report: LoadReport) => void;
  readonly fail: (error: Error) => void;
}

export class LoadGenerator {
  readonly #nc: NatsConnection;
  readonly #inbox = createInbox();
  readonly #publish: ReturnType<typeof jetstream>["publish"];
  readonly #begun = new Map<number, number>();
  #work: Work | undefined;
  #lastEnd = 0;

  constructor(nc: NatsConnection) {
    this.#nc = nc;
    const js = jetstream(nc);
    this.#publish = js.publish.bind(js);
    nc.subscribe(`${this.#inbox}.*`, { callback: (_, msg) => this.#take(msg) });
  }

  /** @throws Error when a run gives something else than it must, or nothing ends for a minute */
  async carryOut(request: LoadRequest): Promise<LoadReport> {
    await this.#nc.flush();
    return this.#during(request);
  }

  async #during({ target, extent, pids }: LoadRequest): Promise<LoadReport> {
    const readings = { ...pids, load: [process.pid] };
    const measurement = new Measurement({
      extent,
      readCpu: () => readCpu(readings),
      now: () => performance.now(),
    });
    this.#lastEnd = performance.now();
    let watch: NodeJS.Timeout | undefined;
    try {
      return await new Promise<LoadReport>((resolve, reject) => {
        watch = setInterval(() => {
          if (performance.now() - this.#lastEnd < STALL_MS) return;
          reject(new Error(`no run has ended for ${STALL_MS / 1000} s; ${this.#begun.size} are in flight`));
        }, 1_000);
        this.#work = { target, fail: reject, measurement, done: resolve };
        for (let slot = 0; slot < measurement.width; slot++) this.#submit(slot);
      });
    } finally {
      clearInterval(watch);
      this.#work = undefined;
      this.#begun.clear();
    }
  }

  #submit(slot: number): void {
    const work = this.#work;
    if (!work) return;
    const head = headers();
    head.set("Rayflow-Reply", `${this.#inbox}.${slot}`);
    this.#begun.set(slot, performance.now());
    this.#publish(work.target.subject, work.target.payload, { headers: head }).catch(work.fail);
  }

  #take(msg: Msg): void {
    const work = this.#work;
    if (!work) return;
    const event = msg.json<Finished>();
    if (event.kind === "refused") return work.fail(new Error(`refused: ${event.error?.message}`));
    if (event.kind !== "finished") return;
    const slot = Number(msg.subject.slice(this.#inbox.length + 1));
    const begun = this.#begun.get(slot);
    // A result may come twice after a recovery.
    if (begun === undefined) return;
    this.#begun.delete(slot);
    this.#lastEnd = performance.now();
    const wrong = whatIsWrong(event, work.target);
    if (wrong !== undefined) return work.fail(new Error(wrong));
    const { measurement } = work;
    if (measurement.ended(this.#lastEnd - begun) === "again") this.#submit(slot);
    else if (this.#begun.size === 0 && measurement.report) work.done(measurement.report);
  }
}

function whatIsWrong({ result }: Finished, target: LoadTarget): string | undefined {
  if (!result?.success) return `a run failed: ${result?.error?.message}`;
  if (result.statistics.nodes_executed < target.steps) {
    return `a run executed ${result.statistics.nodes_executed} nodes, not ${target.steps}`;
  }
  for (const [name, value] of Object.entries(target.result)) {
    const found = result.result?.[name];
    if (found !== value && JSON.stringify(found) !== JSON.stringify(value)) {
      return `a run gave ${name} = ${JSON.stringify(found)?.slice(0, 100)}, not ${JSON.stringify(value)?.slice(0, 100)}`;
    }
  }
  return undefined;
}
