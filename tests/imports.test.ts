/** The import directions between rooms hold, and the rules that hold them fire. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkCheckout, findCycle, importsOf, refusal } from "../scripts/check-imports.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** A file, what it imports, and whether it may. */
const table: readonly (readonly [file: string, specifier: string, allowed: boolean])[] = [
  ["flow/a.ts", "zod", true],
  ["flow/a.ts", "./b.ts", true],
  ["flow/a.ts", "node:fs", false],
  ["flow/a.ts", "node:fs/promises", false],
  ["flow/a.ts", "@nats-io/jetstream", false],
  ["flow/deep/a.ts", "../../nats/index.ts", false],
  ["nats/a.ts", "../flow/index.ts", true],
  ["nats/a.ts", "../flow/errors.ts", false],
  ["nats/a.ts", "../store/index.ts", false],
  ["store/a.ts", "../nats/index.ts", true],
  ["store/a.ts", "../actors/index.ts", false],
  ["orchestrator/run/a.ts", "../../nats/messages.ts", true],
  ["orchestrator/run/a.ts", "../../flow/index.ts", true],
  ["orchestrator/run/a.ts", "../../nats/index.ts", false],
  ["orchestrator/run/a.ts", "../../flow/graph.ts", false],
  ["orchestrator/run/a.ts", "node:crypto", false],
  ["orchestrator/run/a.ts", "@nats-io/kv", false],
  ["orchestrator/a.ts", "./run/fold.ts", true],
  ["orchestrator/run/testing.ts", "../../flow/testing.ts", true],
  ["orchestrator/a.ts", "../actors/index.ts", false],
  ["actors/a.ts", "../store/index.ts", true],
  ["actors/a.ts", "../orchestrator/index.ts", false],
  ["nodes/math/a.ts", "../../actors/sdk.ts", true],
  ["nodes/math/a.ts", "../../actors/index.ts", false],
  ["nodes/math/a.ts", "../../flow/index.ts", false],
  ["gateway/a.ts", "../actors/index.ts", true],
  ["gateway/a.ts", "../cli/main.ts", false],
  ["k8s/render/a.ts", "../../nats/index.ts", true],
  ["k8s/render/a.ts", "../../nats/names.ts", false],
  ["k8s/render/a.ts", "../../store/index.ts", false],
  ["cli/commands/a.ts", "../../gateway/index.ts", true],
  ["cli/commands/a.ts", "../../gateway/run-client.ts", false],
  ["editor/src/a.ts", "../../flow/index.ts", true],
  ["editor/src/run/a.ts", "../../../orchestrator/run/index.ts", true],
  ["editor/src/a.ts", "../../flow/pins.ts", false],
  ["editor/src/a.ts", "../../gateway/index.ts", false],
  ["editor/src/a.ts", "../../orchestrator/index.ts", false],
  ["flow/a.test.ts", "../nats/index.ts", true],
];

describe("check-imports", () => {
  it("finds nothing wrong in this checkout", () => {
    expect(checkCheckout()).toEqual([]);
  });

  it.each(table)("%s importing %s: allowed is %s", (file, specifier, allowed) => {
    expect(refusal(file, specifier) === undefined).toBe(allowed);
  });

  it("keeps messages and subjects of nats pure, for the browser reads them", () => {
    expect(refusal("nats/messages.ts", "node:crypto")).toMatch(/pure/);
    expect(refusal("nats/subjects.ts", "@nats-io/transport-node")).toMatch(/pure/);
  });

  it("sees imports of every form, but none in comments", () => {
    const source = [
      'import a from "./a.ts";',
      'import {\n  b,\n  type C,\n} from "./b.ts";',
      'export type { D } from "./d.ts";',
      'import "./effect.ts";',
      'const e = await import("./e.ts");',
      '// import f from "./f.ts";',
      '/* import g from "./g.ts"; */',
    ].join("\n");
    expect(importsOf(source).sort()).toEqual(["./a.ts", "./b.ts", "./d.ts", "./e.ts", "./effect.ts"]);
  });

  it("finds rooms that import each other in a circle", () => {
    const rooms = (...edges: [string, string[]][]) => new Map(edges.map(([room, to]) => [room, new Set(to)]));
    expect(findCycle(rooms(["a", ["b"]], ["b", ["c"]], ["c", ["a"]]))).toEqual(["a", "b", "c", "a"]);
    expect(findCycle(rooms(["a", ["b", "c"]], ["b", ["c"]]))).toBeUndefined();
  });
});

describe("biome.json", () => {
  it("refuses the same imports as check-imports", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "rayflow-lint-"));
    try {
      const { $schema: _, ...config } = JSON.parse(readFileSync(path.join(root, "biome.json"), "utf8"));
      writeFileSync(path.join(folder, "biome.json"), JSON.stringify({ ...config, vcs: { enabled: false } }));
      const files = table.map(([file, specifier, allowed], at) => {
        const own = file.replace(/a(\.test)?\.ts$/, `a${at}$1.ts`);
        mkdirSync(path.join(folder, path.dirname(own)), { recursive: true });
        writeFileSync(path.join(folder, own), `import { a } from "${specifier}";\nexport const b = a;\n`);
        return { own, specifier, allowed };
      });
      const refused = await lint(folder);
      for (const { own, specifier, allowed } of files) {
        expect({ own, specifier, allowed: !refused.has(own) }).toEqual({ own, specifier, allowed });
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** The files that noRestrictedImports objects to. */
async function lint(folder: string): Promise<Set<string>> {
  const biome = path.join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "lint", "--only=style/noRestrictedImports", "--reporter=json", "--max-diagnostics=none", "."];
  const stdout = await new Promise<string>((resolve) => {
    // Its exit code is 1 when it finds something, which it must.
    execFile(process.execPath, args, { cwd: folder }, (_, printed) => resolve(printed));
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string | { file: string } } }[] };
  return new Set(diagnostics.map(({ location: { path: at } }) => (typeof at === "string" ? at : at.file)));
}
