/** Who does what on a server: which orchestrator drives which partition, which node types have actors and how much waits for them. */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { STREAMS } from "../nats/index.ts";
import { CheckpointStore, leaseOwners } from "../store/index.ts";

export interface PartitionView {
  readonly partition: number;
  /** The orchestrator that holds its lease; null: nobody does, and its runs wait. */
  readonly owner: string | null;
  /** Before this sequence of the log every run is finished or snapshotted; null before the first checkpoint. */
  readonly replay_from: number | null;
  /** Everything that was caused up to this sequence has been sent. */
  readonly emitted_through: number | null;
  /** When it was written down last, ISO 8601. */
  readonly checkpoint_at: string | null;
}

export async function readPartitions(nc: NatsConnection, partitions: number): Promise<PartitionView[]> {
  const [owners, checkpoints] = await Promise.all([leaseOwners(nc), CheckpointStore.open(nc)]);
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  return Promise.all(
    numbers.map(async (partition) => {
      const { checkpoint } = await checkpoints.read(partition);
      return {
        partition,
        owner: owners.get(partition) ?? null,
        replay_from: checkpoint?.replay_from ?? null,
        emitted_through: checkpoint?.emitted_through ?? null,
        checkpoint_at: checkpoint?.updated_at ?? null,
      };
    }),
  );
}

export interface ActorView {
  readonly type: string;
  /** Requests for work that actors have open: 0 means that nobody asks. */
  readonly waiting: number;
  /** Messages that nobody has taken yet. */
  readonly queued: number;
  /** Messages that are being worked on. */
  readonly running: number;
}

/** The node types that were ever served, by type. */
export async function readActors(jsm: JetStreamManager): Promise<ActorView[]> {
  const found: ActorView[] = [];
  for await (const info of jsm.consumers.list(STREAMS.nodes)) {
    const { name: type, num_waiting: waiting, num_pending: queued, num_ack_pending: running } = info;
    found.push({ type, waiting, queued, running });
  }
  return found.sort((a, b) => (a.type < b.type ? -1 : 1));
}
