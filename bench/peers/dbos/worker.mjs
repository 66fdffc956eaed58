/**
 * The process that DBOS lives in, with its workflows and steps: an application that starts workflows when it is asked to
 * and answers with their results, as one behind an HTTP server would.
 */
import { DBOS } from "@dbos-inc/dbos-sdk";
import { chainLength, countTo, fanWidth, step } from "../workloads.mjs";

const { systemDatabaseUrl, systemDatabasePoolSize } = JSON.parse(process.argv[2] ?? "{}");
DBOS.setConfig({ name: "bench", systemDatabaseUrl, systemDatabasePoolSize, logLevel: "error" });

const doStep = (/** @type {number} */ value) => DBOS.runStep(async () => step(value), { name: "step" });

/** @type {Record<string, () => Promise<number>>} */
const workflows = {
  chain: DBOS.registerWorkflow(
    async () => {
      let value = 0;
      for (let i = 0; i < chainLength; i++) value = await doStep(value);
      return value;
    },
    { name: "chain" },
  ),
  fanOut: DBOS.registerWorkflow(
    async () => {
      const values = await Promise.all(countTo(fanWidth).map(() => doStep(0)));
      return values.reduce((total, value) => total + value, 0);
    },
    { name: "fanOut" },
  ),
  single: DBOS.registerWorkflow(() => doStep(0), { name: "single" }),
};

await DBOS.launch();
process.on("disconnect", () => process.exit(0));
process.on("message", async (/** @type {{run: number, workload: string}} */ { run, workload }) => {
  try {
    const workflow = workflows[workload]; // Not called as a method: DBOS would take the table for its instance.
    process.send?.({ run, result: await workflow() });
  } catch (error) {
    process.send?.({ run, failure: String(error) });
  }
});
process.send?.("ready");
