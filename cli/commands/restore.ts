import path from "node:path";
import type { Command } from "commander";
import { connectIfRunning } from "../connection.ts";
import { contextOf } from "../context.ts";
import { noServer } from "../flow-argument.ts";
import { wholeNumber } from "../stack-options.ts";

export function register(program: Command): void {
  program
    .command("restore")
    .description("make RayFlow's streams from a backup, on a server that has none; start orchestrators afterwards")
    .argument("<folder>", "what rayflow backup wrote")
    .option("--replicas <n>", "copies of each stream (default: as they were)", wholeNumber("--replicas", 1, 5))
    .action(async (folder: string, flags: { readonly replicas?: number }, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const running = await connectIfRunning(context.flags, context.environment, "rayflow restore");
      if (running === undefined) throw noServer();
      try {
        const { restoreBackup } = await import("../../store/index.ts");
        const made = await restoreBackup(running.nc, path.resolve(folder), {
          replicas: flags.replicas,
          onStream: ({ name, messages }) => output.note(`${name}: ${messages} messages`),
        });
        if (output.format !== "table") {
          const streams = made.streams.map(({ name, messages }) => ({ name, messages }));
          return output.json({ created_at: made.created_at, streams });
        }
        output.print(`restored ${made.streams.length} streams of ${made.created_at}`);
      } finally {
        await running.nc.close();
      }
    });
}
