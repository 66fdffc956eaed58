/** A manager with one actor process, for tests: prints the actor's process id. `testing-manager.ts <server> <nodes>`. */
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { ActorManager } from "./actor-manager.ts";

const script = fileURLToPath(new URL("./testing-process.ts", import.meta.url));
const manager = new ActorManager({
  command: [process.execPath, "--import", "tsx", script, ...process.argv.slice(2)],
  groups: "all",
  logger: pino({ level: "silent" }),
});
await manager.start();
process.stdout.write(`${manager.processes[0]?.pid}\n`);
