import { expect, test } from "vitest";
import { decodeMessage, endsMessage, type Publishes, partitionOf, type Stored, subjects } from "../nats/index.ts";
import { runResultOf } from "../store/testing.ts";
import { silentLogger } from "./logger.ts";
import { type RunEnd, RunEnds } from "./run-ends.ts";

/** What the client asks of headers that it sends. */
interface Encodes {
  encode(): Uint8Array;
}

interface Sent {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly id: string | undefined;
  /** Its headers. */
  readonly named: string | undefined;
  readonly ack: () => void;
  readonly fail: (error: Error) => void;
}

function setUp(maxBytes = 1_000_000) {
  const sent: Sent[] = [];
  const publisher: Publishes = {
    publish: (subject, payload, options) =>
      new Promise<Stored>((resolve, reject) => {
        sent.push({
          subject,
          data: Buffer.from(payload as Uint8Array),
          id: options?.msgID,
          named: options?.headers && Buffer.from((options.headers as unknown as Encodes).encode()).toString(),
          ack: () => resolve({ stream: "RAYFLOW_LOG", seq: sent.length, duplicate: false }),
          fail: reject,
        });
      }),
  };
  const ends = new RunEnds({ publisher, logger: silentLogger, maxBytes: () => maxBytes });
  const stored: string[] = [];
  const add = (run: string, more: Partial<RunEnd> = {}): void =>
    ends.add({
      partition: partitionOf(run, 8),
      result: runResultOf(run),
      onStored: () => stored.push(run),
      isWanted: () => true,
      ...more,
    });
  return { sent, stored, add };
}

const turn = () => new Promise((done) => setTimeout(done, 5));
const runsIn = ({ data }: Sent): string[] => {
  const decoded = decodeMessage(endsMessage, data);
  if (!decoded.ok) throw new Error(decoded.reason);
  return decoded.value.results.map(({ run_id }) => run_id);
};

test("an end alone is its run's own message, under its own id", async () => {
  const { sent, stored, add } = setUp();
  add("r1");
  await turn();
  expect(sent).toMatchObject([{ subject: subjects.run(partitionOf("r1", 8), "r1"), id: "r1:finished" }]);
  expect(JSON.parse(Buffer.from(sent[0]?.data ?? []).toString())).toEqual({
    v: 1,
    kind: "finished",
    run: "r1",
    result: runResultOf("r1"),
  });
  expect(stored).toEqual([]);
  sent[0]?.ack();
  await turn();
  expect(stored).toEqual(["r1"]);
});

test("what ends while one is on its way shares the next message, and each hears of it", async () => {
  const { sent, stored, add } = setUp();
  add("r1");
  await turn();
  for (const run of ["r2", "r3", "r4"]) add(run);
  await turn();
  expect(sent).toHaveLength(1);
  sent[0]?.ack();
  await turn();
  expect(sent).toHaveLength(2);
  expect(sent[1]).toMatchObject({
    subject: subjects.sharedEnds(),
    named: "NATS/1.0\r\nRayflow-Ends: r2,r3,r4\r\n\r\n",
  });
  expect(sent[1] && runsIn(sent[1])).toEqual(["r2", "r3", "r4"]);
  expect(stored).toEqual(["r1"]);
  sent[1]?.ack();
  await turn();
  expect(stored).toEqual(["r1", "r2", "r3", "r4"]);
});

test("a message holds no more than fits, and no more than 128", async () => {
  const small = setUp(runResultOfBytes() * 3 * 2);
  for (const run of ["r1", "r2", "r3"]) small.add(run);
  await turn();
  expect(small.sent).toHaveLength(2);
  const many = setUp();
  for (let n = 0; n < 300; n++) many.add(`r${n}`);
  await turn();
  expect(many.sent.map((message) => runsIn(message).length)).toEqual([128, 128, 44]);
});

test("it is sent again under the same id until it is there, and not when nobody wants it any more", async () => {
  const { sent, stored, add } = setUp();
  let isWanted = true;
  add("r1");
  add("r2", { isWanted: () => isWanted });
  await turn();
  sent[0]?.fail(new Error("away"));
  await expect.poll(() => sent.length).toBe(2);
  expect(sent[1]?.id).toBe(sent[0]?.id);
  sent[1]?.ack();
  await expect.poll(() => stored).toEqual(["r1", "r2"]);
  add("r3", { isWanted: () => isWanted });
  await turn();
  isWanted = false;
  sent[2]?.fail(new Error("away"));
  await new Promise((done) => setTimeout(done, 200));
  expect(sent).toHaveLength(3);
  expect(stored).toEqual(["r1", "r2"]);
});

function runResultOfBytes(): number {
  return JSON.stringify(runResultOf("r1")).length;
}
