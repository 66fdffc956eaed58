/** Logs that earlier versions wrote fold as they did then. A red test here means: runs in flight would break. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodeLogEntry, quietGuard } from "../../store/log-entry.ts";
import { Run } from "../run/fold.ts";
import { type Recording, replay } from "./testing-recordings.ts";

/** The recordings are of folds: nothing in them is signed. */
const anyToken = quietGuard({ verify: () => true });

const folder = join(import.meta.dirname, "../../tests/fixtures/logs");

describe.each(readdirSync(folder))("logs of %s", (version) => {
  test.each(readdirSync(join(folder, version)).filter((name) => name.endsWith(".json")))("%s", (name) => {
    const recording: Recording = JSON.parse(readFileSync(join(folder, version, name), "utf8"));
    const { partition, entries } = recording;
    const { run, states } = replay(partition, entries);
    expect(run.result).toEqual(recording.result);
    expect(states).toEqual(recording.states);
    expect(resumedHalfway(recording)).toEqual(recording.result);
  });

  test("its messages are still read from the wire", () => {
    const [name = ""] = readdirSync(join(folder, version));
    const { entries, run }: Recording = JSON.parse(readFileSync(join(folder, version, name), "utf8"));
    for (const { kind, message, seq, timeMs } of entries) {
      const subject = kind === "run" ? `rayflow.run.0.${run}` : `rayflow.result.${message.type}.0`;
      const data = new TextEncoder().encode(JSON.stringify(message));
      expect(decodeLogEntry({ subject, seq, timeMs, data }, 1, anyToken)).toEqual({
        ok: true,
        entry: { kind, message, seq, timeMs },
        partition: 0,
      });
    }
  });
});

/** The log as a run reads it that was put to rest in the middle. */
function resumedHalfway({ partition, entries }: Recording): Run["result"] {
  const half = Math.ceil(entries.length / 2);
  const [first] = entries;
  if (first?.kind !== "run" || first.message.kind !== "submitted") return undefined;
  const { run } = replay(partition, entries.slice(0, half));
  if (run.result) return run.result;
  const resumed = Run.resume(JSON.parse(JSON.stringify(run.snapshot())), first.message.flow, first.message.types);
  for (const entry of entries.slice(half)) resumed.apply(entry);
  return resumed.result;
}
