/** A server with an actor and orchestrators, for tests of runs that are looked at and controlled. */
import { pino } from "pino";
import { vi } from "vitest";
import { type Actor, defineNode, loadNodes, type NodeDefinition, startActor } from "../actors/index.ts";
import { any } from "../actors/sdk.ts";
import { RayflowError } from "../flow/index.ts";
import type { RunOptions, RunResult } from "../nats/index.ts";
import { withServer } from "../nats/testing.ts";
import { type Orchestrator, type OrchestratorOptions, startOrchestrator } from "../orchestrator/index.ts";
import { publishRun } from "./run-client.ts";
import { RunControl } from "./run-control.ts";
import { RunDirectory } from "./run-directory.ts";

export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: 30_000, interval: 20 });

export function withRuns() {
  const nats = withServer({ topology: { leaseTtlMs: 1_000 } });
  const orchestrators: Orchestrator[] = [];
  const aborted: string[] = [];
  const calls = new Map<string, number>();
  let actor: Actor | undefined;
  let parts: { directory: RunDirectory; control: RunControl } | undefined;
  const opened = () => {
    if (!parts) throw new Error("not started yet");
    return parts;
  };

  /** Waits until its run is cancelled. */
  const hang = defineNode({
    type: "test_hang",
    title: "Hang",
    category: "test",
    async run({ ctx }) {
      calls.set(ctx.runId, (calls.get(ctx.runId) ?? 0) + 1);
      await new Promise((_, reject) => {
        ctx.signal.addEventListener("abort", () => {
          aborted.push(ctx.runId);
          reject(new Error("aborted"));
        });
      });
      return {};
    },
  });

  /** Fails until `mend` is called for what it is given. */
  const mended = new Set<unknown>();
  const fragile = defineNode({
    type: "test_fragile",
    title: "Fragile",
    category: "test",
    inputs: { key: any() },
    outputs: { value: any() },
    async run({ inputs, ctx }) {
      calls.set(`${ctx.runId}:${ctx.nodeId}`, (calls.get(`${ctx.runId}:${ctx.nodeId}`) ?? 0) + 1);
      if (!mended.has(inputs.key)) throw new RayflowError("Broken", `${String(inputs.key)} is broken`);
      return { value: inputs.key };
    },
  });

  return {
    nats,
    aborted,
    calls,
    get directory() {
      return opened().directory;
    },
    get control() {
      return opened().control;
    },
    mend: (key: unknown) => void mended.add(key),
    start: async () => {
      await nats.start();
      const { nodes } = await loadNodes();
      const all = new Map<string, NodeDefinition>(nodes);
      for (const definition of [hang, fragile]) all.set(definition.nodeType.type, definition);
      actor = await startActor({ nc: await nats.connect("actor"), nodes: all, logger: pino({ level: "silent" }) });
      const directory = await RunDirectory.open(nats.nc);
      parts = { directory, control: new RunControl(nats.nc, directory) };
    },
    stop: async () => {
      await Promise.all(orchestrators.splice(0).map((one) => one.stop()));
      await actor?.stop({ drainMs: 0 });
      await nats.stop();
    },
    orchestrate: async (options: Partial<OrchestratorOptions> = {}): Promise<Orchestrator> => {
      const made = await startOrchestrator({ nc: await nats.connect("orchestrator"), ...options });
      orchestrators.push(made);
      return made;
    },
    /** Stops every orchestrator. */
    rest: async () => {
      await Promise.all(orchestrators.splice(0).map((one) => one.stop()));
    },
    submit: async (flow: unknown, inputs: Record<string, unknown> = {}, options: RunOptions = {}): Promise<string> =>
      (await publishRun(nats.nc, { flow, inputs, options })).runId,
    ended: (run: string): Promise<RunResult> =>
      eventually(
        async () => (await opened().directory.log.finishedResult(run)) ?? Promise.reject(new Error("goes on")),
      ),
    /** Resolves once the run stands there. */
    standing: (run: string, status: string) =>
      eventually(async () => {
        const found = await opened().directory.describe(run);
        if (found.status !== status) throw new Error(`${run} is ${found.status}`);
        return found;
      }),
  };
}
