import path from "node:path";
import type { Command } from "commander";
import { connectIfRunning } from "../connection.ts";
import { contextOf } from "../context.ts";
import { noServer } from "../flow-argument.ts";

export function register(program: Command): void {
  program
    .command("backup")
    .description("write everything that RayFlow keeps on a server into a folder, while runs go on")
    .argument("<folder>", "an empty one, or one that is not there")
    .action(async (folder: string, _: unknown, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const running = await connectIfRunning(context.flags, context.environment, "rayflow backup");
      if (running === undefined) throw noServer();
      try {
        const { backUp } = await import("../../store/index.ts");
        const made = await backUp(running.nc, path.resolve(folder), ({ name, messages, bytes }) =>
          output.note(`${name}: ${messages} messages, ${bytes} bytes`),
        );
        const total = made.streams.reduce((sum, { bytes }) => sum + bytes, 0);
        if (output.format !== "table") {
          const streams = made.streams.map(({ name, messages, bytes }) => ({ name, messages, bytes }));
          return output.json({ folder: path.resolve(folder), created_at: made.created_at, bytes: total, streams });
        }
        output.print(`backed up ${made.streams.length} streams, ${total} bytes, to ${folder}`);
      } finally {
        await running.nc.close();
      }
    });
}
