/** Cold start: `rayflow run` with no server anywhere, from the command to the end of the process with its result. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Bench } from "../bench.ts";
import { builtInStep } from "../flows.ts";
import { root, runNode } from "../processes.ts";

export async function coldStart(bench: Bench): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "rayflow-bench-cold-"));
  try {
    const flow = builtInStep();
    writeFileSync(path.join(folder, "flow.json"), JSON.stringify(flow.flow));
    const rayflow = (checkout: string) => async () => {
      const command = [path.join(checkout, "dist", "cli", "main.js"), "run", "flow.json", "--local", "--json"];
      const begun = performance.now();
      const printed = await runNode([...command, "--input", JSON.stringify(flow.inputs)], folder);
      const seconds = (performance.now() - begun) / 1000;
      const { success, result } = JSON.parse(printed) as { success: boolean; result: unknown };
      if (!success || JSON.stringify(result) !== JSON.stringify(flow.result)) throw new Error(`a run gave ${printed}`);
      return { seconds };
    };
    const bare = path.join(root, "bench", "ceiling", "cold.mjs");
    const { against } = bench.options;
    await bench.measure({ workload: "cold", name: "rayflow run", durability: "default" }, [
      { name: "rayflow", sample: rayflow(root) },
      ...(against === undefined ? [] : [{ name: "against", sample: rayflow(against) }]),
      {
        name: "ceiling batched",
        sample: async () => {
          const begun = performance.now();
          await runNode([bare, folder], folder);
          return { seconds: (performance.now() - begun) / 1000 };
        },
      },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
