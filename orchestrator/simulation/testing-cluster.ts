/** Who drives which partition: somebody new when nobody does, and now and then somebody too many. */

import { PARTITIONS } from "./testing-log.ts";
import { SimulatedOrchestrator, type Surroundings } from "./testing-orchestrator.ts";

/** How often faults of this kind are drawn, ms. */
const TICK_MS = 500;

export class Cluster {
  /** By partition: who drives it or believes so, the newest last. */
  readonly members: SimulatedOrchestrator[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #around: Surroundings;
  readonly #starting = new Set<number>();
  #made = 0;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  start(): void {
    this.#tend();
    this.#disturb();
  }

  /** The one that was started last, if it lives. */
  driving(partition: number): SimulatedOrchestrator | undefined {
    const last = this.members[partition]?.at(-1);
    return last?.gone ? undefined : last;
  }

  /** The world has healed: who has lost a partition notices it now. */
  heal(): void {
    for (const members of this.members) {
      for (const member of members.slice(0, -1)) member.process.later(0, () => void member.release(false));
    }
  }

  #tend(): void {
    const { time } = this.#around.world;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      if (this.driving(partition) || this.#starting.has(partition)) continue;
      this.#starting.add(partition);
      time.after(time.below(4_000), () => {
        this.#starting.delete(partition);
        this.#launch(partition);
      });
    }
    time.after(250, () => this.#tend());
  }

  #launch(partition: number): void {
    const member = new SimulatedOrchestrator(this.#around, partition, `o${++this.#made}`);
    const members = (this.members[partition] ?? []).filter((other) => !other.gone);
    this.members[partition] = [...members, member];
    void member.start();
  }

  #disturb(): void {
    const { world } = this.#around;
    const { faults, time } = world;
    if (!faults.active) return;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const member = this.driving(partition);
      if (!member) continue;
      if (faults.strikes("freeze")) member.process.freeze(500 + time.below(12_000));
      if (faults.strikes("overlap")) this.#launch(partition);
      else if (faults.strikes("handOver")) member.process.later(0, () => void member.release(true));
    }
    if (faults.strikes("queueLoss")) this.#loseQueue();
    time.after(TICK_MS, () => this.#disturb());
  }

  #loseQueue(): void {
    const { queue, time } = this.#around.world;
    queue.recreate();
    for (const member of this.members.flat()) {
      if (!member.gone) member.process.later(50 + time.below(3_000), () => member.queueRenewed());
    }
  }
}
