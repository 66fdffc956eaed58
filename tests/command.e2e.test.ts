/** `rayflow` as a shell meets it: found by npx, completed by bash, quiet in pipes. */
import { execFile } from "node:child_process";
import { describe, expect, it } from "vitest";
import { rayflow, root } from "./rayflow-process.ts";

function execute(
  command: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string; failed: boolean }> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd: root }, (error, stdout, stderr) =>
      resolve({ stdout, stderr, failed: error !== null }),
    );
  });
}

describe("rayflow", () => {
  it("is found by npx in the checkout", async () => {
    const { stdout, failed } = await execute("npx", ["--no-install", "rayflow", "version", "--json"]);
    expect(failed).toBe(false);
    expect(JSON.parse(stdout)).toMatchObject({ rayflow: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it("without a command prints its help on stderr and exits with 2", async () => {
    const { code, stdout, stderr } = await rayflow([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/Usage: rayflow/);
  });

  it("with --help lists every command and exits with 0", async () => {
    const { code, stdout } = await rayflow(["--help"]);
    expect(code).toBe(0);
    for (const name of [
      "run",
      "validate",
      "publish",
      "nodes",
      "dev",
      "orchestrator",
      "actor",
      "doctor",
      "completion",
    ]) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
  });

  it.each(["run", "nodes new", "dev", "actor"])("%s --help says how it is used", async (command) => {
    const { code, stdout } = await rayflow([...command.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Usage: rayflow ${command}`));
  });

  it("ends quietly when its reader has gone", async () => {
    const pipe = `node dist/cli/main.js nodes list --json | head -c 10; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await execute("bash", ["-c", pipe]);
    expect({ last: stdout.trim().split("\n").at(-1)?.trim(), stderr }).toEqual({ last: "0", stderr: "" });
  });
});

describe("rayflow completion bash", () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const { stdout: script } = await rayflow(["completion", "bash"]);
    const list = words.map((word) => `'${word}'`).join(" ");
    const run = `${script}\nCOMP_WORDS=(rayflow ${list}); COMP_CWORD=${words.length}; _rayflow; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await execute("bash", ["-c", run]);
    return stdout.trim().split("\n");
  };

  it.each([
    [["do"], "doctor"],
    [["nodes", "n"], "new"],
    [["run", "--inp"], "--input-file"],
    [["--server", "nats://x", "val"], "validate"],
    [["nodes", "list", "--cat"], "--category"],
  ])("after %j offers %s", async (words, offered) => {
    expect(await complete(...words)).toContain(offered);
  });
});
