import type { Command } from "commander";
import type { DeployedFlow, FlowRegistry } from "../../store/index.ts";
import { type CliContext, contextOf } from "../context.ts";
import { table } from "../output.ts";
import { describeTrigger, flowJson, iso, withRegistry } from "../registry.ts";

export function register(program: Command): void {
  const flows = program.command("flows").description("the deployed flows, their versions and triggers");
  const on = (self: Command, use: (context: CliContext, registry: FlowRegistry) => Promise<void>) => {
    const context = contextOf(self);
    return withRegistry(context, "rayflow flows", (registry) => use(context, registry));
  };
  flows
    .command("list")
    .description("list what is deployed")
    .action((_: unknown, self: Command) => on(self, list));
  flows
    .command("show")
    .description("show a flow: its active version, its triggers; with --json its nodes and edges too")
    .argument("<name>", "the flow's name, or name@version")
    .action((name: string, _: unknown, self: Command) => on(self, (...args) => show(...args, name)));
  flows
    .command("versions")
    .description("list the versions of a flow, the newest first")
    .argument("<name>", "the flow's name")
    .action((name: string, _: unknown, self: Command) => on(self, (...args) => versions(...args, name)));
  flows
    .command("delete")
    .description("take a flow away: nothing starts it any more; runs that go on are not touched")
    .argument("<name>", "the flow's name")
    .action((name: string, _: unknown, self: Command) => on(self, (...args) => remove(...args, name)));
  flows
    .command("activate")
    .description("make an earlier version the active one again")
    .argument("<name>", "the flow's name")
    .argument("<version>", "its label, or the first digits of its hash")
    .action((name: string, version: string, _: unknown, self: Command) =>
      on(self, (...args) => activate(...args, name, version)),
    );
}

async function list({ output }: CliContext, registry: FlowRegistry): Promise<void> {
  const flows = await registry.list();
  const listed = flows.map((flow) => {
    const { versions: all, ...rest } = flowJson(flow);
    return { ...rest, versions: all.length };
  });
  if (output.format === "json") return output.json(listed);
  if (output.format === "jsonl") {
    for (const flow of listed) output.json(flow);
    return;
  }
  const rows = flows.map((flow) => [
    flow.name,
    flow.version.slice(0, 12),
    flow.label ?? "",
    iso(flow.deployed_at),
    flow.triggers.map(describeTrigger).join("; "),
  ]);
  if (rows.length === 0) return output.note("nothing is deployed: rayflow deploy FLOW.json");
  output.print(await table(["NAME", "VERSION", "LABEL", "DEPLOYED", "TRIGGERS"], rows));
}

async function show({ output }: CliContext, registry: FlowRegistry, ref: string): Promise<void> {
  const version = await registry.find(ref);
  if (version === undefined) throw await registry.notFound(ref);
  const deployed = await known(registry, version.name);
  const { versions: _, ...json } = flowJson(deployed);
  const isActive = deployed.version === version.version && deployed.deleted !== true;
  if (output.format !== "table") {
    return output.json({ ...json, version: version.version, active: isActive, flow: version.flow });
  }
  const { nodes, edges, version: label } = version.flow;
  const state = isActive ? "active" : deployed.deleted ? "deleted" : `active is ${deployed.version.slice(0, 12)}`;
  output.print(`${version.name}@${version.version.slice(0, 12)}${label === undefined ? "" : ` (${label})`}  ${state}`);
  output.print(`  ${nodes.length} nodes, ${edges.length} edges, deployed ${iso(version.deployed_at)}`);
  if (isActive) for (const trigger of deployed.triggers) output.print(`  ${describeTrigger(trigger)}`);
}

async function versions({ output }: CliContext, registry: FlowRegistry, name: string): Promise<void> {
  const flow = await known(registry, name);
  const newestFirst = flow.versions.toReversed().map((version) => ({
    version: version.version,
    ...(version.label === undefined ? {} : { label: version.label }),
    deployed_at: iso(version.deployed_at),
    active: version.version === flow.version && flow.deleted !== true,
  }));
  if (output.format === "json") return output.json(newestFirst);
  if (output.format === "jsonl") {
    for (const version of newestFirst) output.json(version);
    return;
  }
  const rows = newestFirst.map(({ version, label, deployed_at, active }) => [
    version.slice(0, 12),
    label ?? "",
    deployed_at,
    active ? "active" : "",
  ]);
  output.print(await table(["VERSION", "LABEL", "DEPLOYED", ""], rows));
}

async function remove({ output }: CliContext, registry: FlowRegistry, name: string): Promise<void> {
  if (!(await registry.delete(name))) throw await registry.notFound(name);
  if (output.format !== "table") return output.json({ name, deleted: true });
  output.print(`${name} is deleted; rayflow flows activate ${name} <version> brings it back`);
}

async function activate({ output }: CliContext, registry: FlowRegistry, name: string, version: string): Promise<void> {
  const { deployed, changed } = await registry.activate(name, version);
  if (output.format !== "table") return output.json({ ...flowJson(deployed), changed });
  output.print(`${name}@${deployed.version.slice(0, 12)}${changed ? "" : "  was active already"}`);
}

async function known(registry: FlowRegistry, name: string): Promise<DeployedFlow> {
  const flow = await registry.get(name);
  if (flow !== undefined) return flow;
  throw await registry.notFound(name);
}
