/** The documents that scripts write say what the code says. */
import { execFile } from "node:child_process";
import path from "node:path";
import { expect, it } from "vitest";
import { root } from "./rayflow-process.ts";

it.each(["docs-nodes.mjs", "docs-errors.mjs", "docs-statechart.mjs", "docs-metrics.mjs"])(
  "what %s writes is up to date",
  async (script) => {
    const args = [path.join(root, "scripts", script), "--check"];
    const { failed, stderr } = await new Promise<{ failed: boolean; stderr: string }>((resolve) => {
      execFile(process.execPath, args, { cwd: root }, (error, _, stderr) =>
        resolve({ failed: error !== null, stderr }),
      );
    });
    expect({ failed, stderr }).toEqual({ failed: false, stderr: "" });
  },
);
