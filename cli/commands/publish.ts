import type { Command } from "commander";
import { RayflowError } from "../../flow/index.ts";
import { connectIfRunning } from "../connection.ts";
import { contextOf } from "../context.ts";
import { noServer, pinFlow, resolveFlowArgument } from "../flow-argument.ts";
import { readInputs } from "../read-json.ts";
import { outerTrace } from "../tracing.ts";

interface PublishFlags {
  readonly input?: string;
  readonly inputFile?: string;
  readonly msgId?: string;
  readonly to?: string;
}

export function register(program: Command): void {
  program
    .command("publish")
    .description("publish a flow onto rayflow.flow.run and do not wait for its result")
    .argument("[flow]", "a flow's JSON file, - for standard input, or the name of a deployed flow")
    .option("-i, --input <json>", "the inputs, one JSON object")
    .option("--input-file <file>", "the inputs in a file, or - for standard input")
    .option("--to <name>", "run the deployed flow of this name")
    .option("--msg-id <key>", "idempotency key: the same one twice is one run")
    .action(async (file: string | undefined, flags: PublishFlags, self: Command) => {
      const { output, ...context } = contextOf(self);
      const trace = outerTrace(context.environment);
      if ((file === undefined) === (flags.to === undefined)) {
        throw new RayflowError("UsageError", "give a flow's file, or --to with a deployed flow's name");
      }
      const inputs = await readInputs(flags);
      const asked = file === undefined ? { flowRef: flags.to ?? "" } : await resolveFlowArgument(file);
      const running = await connectIfRunning(context.flags, context.environment, "rayflow publish");
      if (running === undefined) throw noServer();
      try {
        const { publishRun } = await import("../../gateway/index.ts");
        const request = { ...(await pinFlow(running.nc, asked)), inputs, trace };
        const sent = await publishRun(running.nc, request, flags.msgId === undefined ? {} : { msgId: flags.msgId });
        const { runId, msgId, duplicate, seq } = sent;
        if (output.format !== "table") output.json({ run_id: runId, msg_id: msgId, duplicate, seq });
        else output.print(`${runId}${duplicate ? " (published before: the same run)" : ""}`);
      } finally {
        await running.nc.close();
      }
    });
}
