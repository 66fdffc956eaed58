/** Fake stores, with revisions and conflicts as the server has them. */
import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import { RayflowError } from "../../flow/index.ts";
import type { HistoryRecord, SnapshotMark, SnapshotStore, StoredSnapshot } from "../../store/index.ts";
import type { LogEntry } from "../run/fold.ts";
import type { Faults } from "./testing-faults.ts";
import { type Process, standIn } from "./testing-time.ts";

interface Entry {
  readonly value: Uint8Array;
  readonly revision: number;
}

export class FakeBucket {
  onPut: (key: string, value: Uint8Array) => void = () => {};
  readonly #faults: Faults;
  readonly #entries = new Map<string, Entry>();
  #revision = 0;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** The bucket as one process reaches it. */
  for(process: Process): KV {
    return standIn<KV>({
      get: (key: string) =>
        this.#faults.request(process, `get ${key}`, () => {
          const entry = this.#entries.get(key);
          return entry ? { ...entry, key, operation: "PUT" } : null;
        }),
      put: (key: string, value: Uint8Array, options: { previousSeq?: number } = {}) =>
        this.#faults.request(process, `put ${key}`, () => this.#put(key, value, options.previousSeq)),
    });
  }

  #put(key: string, value: Uint8Array, expected: number | undefined): number {
    const found = this.#entries.get(key)?.revision ?? 0;
    if (expected !== undefined && expected !== found) {
      throw new JetStreamApiError({
        code: 400,
        err_code: JetStreamApiCodes.StreamWrongLastSequence,
        description: `wrong last sequence: ${found}`,
      });
    }
    this.#revision++;
    this.#entries.set(key, { value, revision: this.#revision });
    this.onPut(key, value);
    return this.#revision;
  }
}

interface Shelved {
  readonly mark: SnapshotMark;
  readonly json: string;
}

/** Snapshots of runs, by partition and run. */
export class FakeSnapshots {
  readonly stored = new Map<string, Shelved>();
  readonly #faults: Faults;
  readonly #deleted = new Set<string>();
  /** Whether a write that arrives when the snapshot has been deleted makes it anew, as the real store lets it. */
  readonly #late: boolean;
  #revision = 0;

  constructor(faults: Faults, late: boolean) {
    this.#faults = faults;
    this.#late = late;
  }

  for(process: Process): Pick<SnapshotStore, "list" | "find" | "read" | "write" | "delete"> {
    const ask = <T>(what: string, serve: () => T): Promise<T> => this.#faults.request(process, what, serve);
    const keyOf = (partition: number, run: string): string => `${partition} ${run}`;
    return {
      list: (partition) =>
        ask("list the snapshots", () => {
          const own = [...this.stored].filter(([key]) => key.startsWith(`${partition} `));
          return new Map(own.map(([key, { mark }]) => [key.slice(`${partition} `.length), mark]));
        }),
      find: (partition, run) => ask(`find the snapshot of ${run}`, () => this.stored.get(keyOf(partition, run))?.mark),
      read: (partition, run) =>
        ask(`read the snapshot of ${run}`, () => {
          const found = this.stored.get(keyOf(partition, run));
          return found && (JSON.parse(found.json) as StoredSnapshot);
        }),
      write: (partition, run, content, mark, revision) => {
        const json = JSON.stringify(content);
        return ask(`write the snapshot of ${run} at ${mark.seq}`, () => {
          const found = this.stored.get(keyOf(partition, run));
          const isLate = this.#deleted.has(keyOf(partition, run)) && !this.#late;
          if (isLate || (found?.mark.revision ?? 0) !== revision) {
            throw new RayflowError("StoreConflict", `the snapshot of ${run} is another one's`);
          }
          this.#revision++;
          this.stored.set(keyOf(partition, run), { mark: { ...mark, revision: this.#revision }, json });
          return this.#revision;
        });
      },
      delete: (partition, run) =>
        ask(`delete the snapshot of ${run}`, () => {
          this.stored.delete(keyOf(partition, run));
          this.#deleted.add(keyOf(partition, run));
        }),
    };
  }
}

/** What the history has of each run: the sequences of its messages, and its end. */
export class FakeHistory {
  readonly ended = new Map<string, Omit<HistoryRecord, "v">>();
  readonly seqs = new Map<string, Set<number>>();
  onEnded: (run: string) => void = () => {};
  readonly #faults: Faults;

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  for(process: Process) {
    return {
      write: (record: Omit<HistoryRecord, "v">): Promise<void> => {
        const run = record.result.run_id;
        const seqs = record.entries.map(({ seq }) => seq);
        return this.#faults.request(process, `write the history of ${run}`, () => {
          this.#add(run, seqs);
          this.ended.set(run, record);
          this.onEnded(run);
        });
      },
      endSeq: (run: string): Promise<number | undefined> =>
        this.#faults.request(process, `ask for the end of ${run}`, () => this.ended.get(run)?.seq),
      writeSegment: (_: string, run: string, entries: readonly LogEntry[]): Promise<void> => {
        const seqs = entries.map(({ seq }) => seq);
        return this.#faults.request(process, `write a segment of ${run}`, () => this.#add(run, seqs));
      },
    };
  }

  #add(run: string, seqs: readonly number[]): void {
    const known = this.seqs.get(run) ?? new Set();
    for (const seq of seqs) known.add(seq);
    this.seqs.set(run, known);
  }
}
