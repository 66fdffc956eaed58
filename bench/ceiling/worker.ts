/** In the place of an actor: takes dispatch messages, does the trivial step, publishes the results, then acks. */
import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { ackedPublisher, type DispatchMessage, NODES, type ResultEntry, resultSubject, WORKERS } from "./wire.ts";

const PREFETCH = 512;

const nc = await connect({ servers: process.argv[2] ?? "nats://127.0.0.1:4222", name: "ceiling worker" });
const publish = ackedPublisher(nc, (error) => {
  throw error;
});
const consumer = await jetstream(nc).consumers.get(NODES, WORKERS);
await consumer.consume({
  max_messages: PREFETCH,
  callback: (msg) => {
    const { type, entries } = msg.json<DispatchMessage>();
    const startedAt = Date.now();
    const results = entries.map(
      ({ id, run, inputs }): ResultEntry => ({
        id,
        run,
        status: "ok",
        outputs: { ...inputs, value: inputs.value + 1 },
        started_at: startedAt,
        duration_ms: 0,
        actor: "a-ceiling-worker-0001",
      }),
    );
    publish(resultSubject, { v: 1, type, results }, `${results[0]?.id}:result`, () => msg.ack());
  },
});
process.on("disconnect", () => process.exit(0));
process.send?.({ type: "ready" });
