import type { Command } from "commander";
import { contextOf } from "../context.ts";
import { packageVersion } from "../package-info.ts";

export function register(program: Command): void {
  program
    .command("version")
    .description("print the versions of RayFlow, Node and the nats-server that would be started")
    .action(async (_: unknown, self: Command) => {
      const { output } = contextOf(self);
      const found = { rayflow: packageVersion(), node: process.versions.node, nats_server: await serverBinary() };
      if (output.format !== "table") return output.json(found);
      output.print(`rayflow ${found.rayflow}`);
      output.print(`node ${found.node}`);
      output.print(`nats-server ${found.nats_server ?? "not installed"}`);
    });
}

async function serverBinary(): Promise<string | null> {
  const { findServerBinary } = await import("../../nats/index.ts");
  try {
    return (await findServerBinary()).path;
  } catch {
    return null;
  }
}
