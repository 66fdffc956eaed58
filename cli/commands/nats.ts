import type { Command } from "commander";
import { addAuthCommand } from "../nats-auth.ts";
import { addSetupCommand } from "../nats-setup.ts";

export function register(program: Command): void {
  const nats = program.command("nats").description("what RayFlow needs on a nats-server");
  addSetupCommand(nats);
  addAuthCommand(nats);
}
