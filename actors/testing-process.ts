/** An actor process for tests: `testing-process.ts <server> <nodes folder> [--types a,b]`. */
import { pino } from "pino";
import { runActorProcess } from "./actor-process.ts";

const [server = "", userDir = "", flag, list] = process.argv.slice(2);
process.exitCode = await runActorProcess({
  connection: { servers: server, name: "actor" },
  load: { userDirs: [userDir] },
  types: flag === "--types" ? list?.split(",") : undefined,
  ackWaitMs: 1_000,
  logger: pino({ level: "warn" }, pino.destination({ dest: 2, sync: true })),
});
