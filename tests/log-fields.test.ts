/** The lines of all logs name the same things by the same names. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const ROOMS = ["telemetry", "nats", "store", "orchestrator", "actors", "gateway", "deliberation", "k8s", "cli"];

const sources = ROOMS.flatMap((room) =>
  (readdirSync(path.join(root, room), { recursive: true }) as string[])
    .map((file) => path.join(room, file))
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|testing/.test(file)),
);

/** The names of the fields that a file's log calls write out. */
function fieldsIn(source: string): string[] {
  const calls = source.matchAll(/\blogger\.(?:debug|info|warn|error|fatal|child)\(\s*\{([^}]*)\}/g);
  return [...calls].flatMap(([, fields = ""]) =>
    fields
      .split(",")
      .map((field) => /^\s*(\w+)\s*(?::|$)/.exec(field)?.[1])
      .filter((name) => name !== undefined),
  );
}

/** Names that another one stands for, everywhere. */
const OTHERS: Readonly<Record<string, string>> = {
  run: "run_id",
  node: "node_id",
  id: "what it is the id of",
  trace: "trace_id",
};

describe("log fields", () => {
  it("are found in the sources", () => {
    const found = sources.flatMap((file) => fieldsIn(readFileSync(path.join(root, file), "utf8")));
    expect(found.length).toBeGreaterThan(40);
    expect(found).toEqual(expect.arrayContaining(["partition", "err", "run_id"]));
  });

  it.each(sources.filter((file) => readFileSync(path.join(root, file), "utf8").includes("logger.")))(
    "%s: snake_case, and no other name for what has one",
    (file) => {
      const names = fieldsIn(readFileSync(path.join(root, file), "utf8"));
      expect(names.filter((name) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name))).toEqual([]);
      expect(names.filter((name) => Object.hasOwn(OTHERS, name))).toEqual([]);
    },
  );
});
