/** The server and the network of one simulation. */
import { PubHeaders } from "@nats-io/jetstream";
import type { MsgHdrs } from "@nats-io/transport-node";
import { FakeBucket, FakeHistory, FakeSnapshots } from "./testing-buckets.ts";
import { type FaultProfile, Faults } from "./testing-faults.ts";
import { type Ack, FakeLog, type Stored } from "./testing-log.ts";
import { FakeQueue, FakeTimers } from "./testing-queue.ts";
import type { Process, VirtualTime } from "./testing-time.ts";

export class World {
  readonly time: VirtualTime;
  readonly faults: Faults;
  readonly log: FakeLog;
  readonly queue: FakeQueue;
  readonly timers: FakeTimers;
  readonly checkpoints: FakeBucket;
  readonly snapshots: FakeSnapshots;
  readonly history: FakeHistory;
  /** What is not as it must be. The first one ends the simulation. */
  readonly violations: string[] = [];
  onLogStored: (stored: Stored) => void = () => {};
  /** Core NATS: what processes publish without an ack. */
  onNews: (subject: string, data: Uint8Array) => void = () => {};

  constructor(time: VirtualTime, profile: FaultProfile, lateSnapshots: boolean) {
    this.time = time;
    this.faults = new Faults(time, profile);
    this.log = new FakeLog(time, this.faults, (stored) => this.onLogStored(stored));
    this.queue = new FakeQueue(time, this.faults);
    this.timers = new FakeTimers(time, this.faults);
    this.checkpoints = new FakeBucket(this.faults);
    this.snapshots = new FakeSnapshots(this.faults, lateSnapshots);
    this.history = new FakeHistory(this.faults);
  }

  violated(what: string): void {
    this.time.note(`VIOLATION: ${what}`);
    this.violations.push(what);
  }

  /** A publish with an ack, as `js.publish`. */
  publish(
    from: Process,
    subject: string,
    data: Uint8Array,
    options: { readonly msgID?: string; readonly headers?: MsgHdrs } = {},
  ): Promise<Ack> {
    const id = options.msgID ?? "";
    return this.faults.request(from, `publish ${subject} ${id}`, () => {
      if (subject.startsWith("rayflow.node.")) return this.queue.store(data, id);
      if (!subject.startsWith("rayflow.timer.")) return this.log.store(subject, data, id);
      const target = options.headers?.get(PubHeaders.ScheduleTarget) ?? "";
      const at = Date.parse((options.headers?.get(PubHeaders.Schedule) ?? "").replace("@at ", ""));
      return this.timers.store(subject, target, at, id);
    });
  }
}
