import { describe, expect, test } from "vitest";
import type { DispatchMessage, Publishes } from "../nats/index.ts";
import type { Clock } from "./clock.ts";
import { Dispatcher } from "./dispatcher.ts";
import { silentLogger } from "./logger.ts";

interface Sent {
  readonly subject: string;
  readonly ids: string[];
  readonly msgID: string | undefined;
}

/** A dispatcher, what it sent, and its turn's end. */
function bench(options: { limit: number; maxBytes?: number; failures?: number }) {
  const sent: Sent[] = [];
  const stored: string[] = [];
  let failures = options.failures ?? 0;
  let wanted = true;
  const turn: (() => void)[] = [];
  const publisher: Publishes = {
    publish: async (subject, payload, { msgID } = {}) => {
      const message = JSON.parse(Buffer.from(payload as Uint8Array).toString()) as DispatchMessage;
      sent.push({ subject, ids: message.entries.map(({ id }) => id), msgID });
      if (failures-- > 0) throw new Error("no answer");
      return { stream: "RAYFLOW_NODES", seq: sent.length, duplicate: false };
    },
  };
  const clock: Clock = {
    now: () => 0,
    sleep: async () => {},
    every: () => () => {},
    soon: (task) => void turn.push(task),
  };
  const dispatcher = new Dispatcher({
    publisher,
    clock,
    logger: silentLogger,
    pace: { limitOf: () => options.limit },
    maxBytes: () => options.maxBytes ?? 1_000_000,
  });
  return {
    sent,
    stored,
    add: (type: string, ...ids: string[]) => {
      for (const id of ids) {
        const json = JSON.stringify({ id });
        const onStored = () => void stored.push(id);
        dispatcher.add(type, { id, json, bytes: json.length, onStored, isWanted: () => wanted });
      }
    },
    unwant: () => {
      wanted = false;
    },
    endTurn: async () => {
      for (const task of turn.splice(0)) task();
      for (let at = 0; at < 20; at++) await Promise.resolve();
    },
  };
}

const ids = (count: number) => Array.from({ length: count }, (_, at) => `e${at}`);

describe("Dispatcher", () => {
  test("entries of one type and turn share a message, each type its own", async () => {
    const { add, endTurn, sent, stored } = bench({ limit: 32 });
    add("a", "a1", "a2");
    add("b", "b1");
    add("a", "a3");
    expect(sent).toEqual([]);
    await endTurn();
    expect(sent.map(({ subject, ids }) => [subject, ids])).toEqual([
      ["rayflow.node.a", ["a1", "a2", "a3"]],
      ["rayflow.node.b", ["b1"]],
    ]);
    expect(stored).toEqual(["a1", "a2", "a3", "b1"]);
  });

  test("an entry that goes alone is known by its own id, a message of several by all of theirs", async () => {
    const alone = bench({ limit: 1 });
    alone.add("a", "a1", "a2");
    await alone.endTurn();
    expect(alone.sent.map(({ msgID }) => msgID)).toEqual(["a1", "a2"]);
    const together = bench({ limit: 2 });
    together.add("a", "a1", "a2");
    await together.endTurn();
    expect(together.sent[0]?.msgID).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test("a message holds no more entries than the pace allows, and no more bytes than a message may", async () => {
    const slow = bench({ limit: 3 });
    slow.add("a", ...ids(8));
    await slow.endTurn();
    expect(slow.sent.map((message) => message.ids.length)).toEqual([3, 3, 2]);
    const large = bench({ limit: 32, maxBytes: 30 });
    large.add("a", ...ids(8));
    await large.endTurn();
    expect(large.sent.map((message) => message.ids.length)).toEqual([2, 2, 2, 2]);
  });

  test("a full message does not wait for the end of the turn", async () => {
    const { add, endTurn, sent } = bench({ limit: 32 });
    add("a", ...ids(70));
    expect(sent.map((message) => message.ids.length)).toEqual([32, 32]);
    await endTurn();
    expect(sent.map((message) => message.ids.length)).toEqual([32, 32, 6]);
  });

  test("a message without an answer is sent again under the same id, for as long as somebody wants it", async () => {
    const { add, endTurn, sent, stored } = bench({ limit: 32, failures: 2 });
    add("a", "a1", "a2");
    await endTurn();
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ msgID }) => msgID)).size).toBe(1);
    expect(stored).toEqual(["a1", "a2"]);

    const given = bench({ limit: 32 });
    given.add("a", "a1");
    given.unwant();
    await given.endTurn();
    expect(given.sent).toEqual([]);
    expect(given.stored).toEqual([]);
  });
});
