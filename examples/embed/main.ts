/**
 * RayFlow inside a program of your own, with a node of your own. After `npm run setup`, in this checkout:
 * `npx tsx examples/embed/main.ts`
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { connect, RayflowError, runFlow } from "rayflow";

const flow: unknown = JSON.parse(await readFile(new URL("greet.json", import.meta.url), "utf8"));
const nodesDir = fileURLToPath(new URL("../nodes", import.meta.url));

// One call: starts a nats-server, an orchestrator and an actor process, runs the flow, stops them again.
const result = await runFlow(flow, { name: "Ada" }, { nodesDir });
console.log(result.success, result.result);

// A failed run is a result; an invalid flow is an error with all its findings.
try {
  await runFlow({ nodes: [], edges: [] });
} catch (error) {
  if (error instanceof RayflowError && error.code === "InvalidFlow") console.log("invalid:", error.message);
  else throw error;
}

// With a server that runs already (`npm start`, or your own), keep a client and use it for many runs.
const server = process.argv[2];
if (server !== undefined) {
  await using client = await connect({ servers: server });
  const { valid } = await client.validate(flow);
  console.log("known there:", valid);
  const runs = await Promise.all(["Ada", "Grace", "Edsger"].map((name) => client.run(flow, { name })));
  for (const { run_id, result } of runs) console.log(run_id, result);
}
