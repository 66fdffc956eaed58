import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { type NodeType, type Pin, RayflowError } from "../../flow/index.ts";
import { contextOf } from "../context.ts";
import { table } from "../output.ts";
import { addNodesDirOption, type NodeFlags } from "../stack-options.ts";

export function register(program: Command): void {
  const nodes = program.command("nodes").description("the node types: built-in, your own, and what a server lists");
  addListCommand(nodes.command("list"));
  addNewCommand(nodes.command("new"));
  addListCommand(program.command("list-nodes", { hidden: true }));
  addNewCommand(program.command("new-node", { hidden: true }));
}

interface ListFlags extends NodeFlags {
  readonly category?: string;
}

function addListCommand(command: Command): void {
  addNodesDirOption(command.description("list the node types with their pins"))
    .option("--category <name>", "only this category")
    .action(async (flags: ListFlags, self: Command) => {
      const context = contextOf(self);
      const { output } = context;
      const { knownTypes } = await import("../known-types.ts");
      const known = await knownTypes(context, flags, "rayflow nodes list");
      const wanted = [...known.types.values()].filter(
        ({ nodeType }) => flags.category === undefined || nodeType.category === flags.category,
      );
      for (const problem of known.problems) output.note(`not loaded: ${problem}`);
      for (const note of known.notes) output.note(note);
      const listed = wanted.map(({ nodeType, source }) => ({ ...nodeType, source }));
      if (output.format === "json") return output.json(listed);
      if (output.format === "jsonl") {
        for (const entry of listed) output.json(entry);
        return;
      }
      const rows = wanted.map(({ nodeType, source }) => [
        nodeType.type,
        nodeType.pure ? "pure" : "",
        pins(nodeType.inputs, ({ required }) => required === true, nodeType.open_inputs),
        pins(nodeType.outputs, () => true, nodeType.outputs_from_api_schema),
        source.includes(path.sep) ? path.relative(process.cwd(), source) : source,
      ]);
      output.print(await table(["TYPE", "", "INPUTS", "OUTPUTS", "SOURCE"], rows));
    });
}

/** `x: float, y: float?`: with a question mark what may be left out. */
function pins(declared: NodeType["inputs"], always: (pin: Pin) => boolean, open: boolean): string {
  const names = Object.entries(declared).map(([name, pin]) => `${name}: ${pin.type}${always(pin) ? "" : "?"}`);
  return [...names, ...(open ? ["…"] : [])].join(", ");
}

interface NewFlags extends NodeFlags {
  readonly force?: boolean;
}

function addNewCommand(command: Command): void {
  addNodesDirOption(command.description("write a new node that works, and a flow that runs it"))
    .argument("<name>", "<category>/<name>, or just a name")
    .option("--force", "overwrite a file that is there")
    .action(async (text: string, flags: NewFlags, self: Command) => {
      const { output } = contextOf(self);
      const { exampleFlow, nodeSource, parseNodeName } = await import("../node-template.ts");
      const node = parseNodeName(text);
      const folder = path.join(flags.nodesDir ?? "nodes", node.category);
      const file = path.join(folder, `${node.name}.ts`);
      const flow = path.join(folder, `${node.name}.flow.json`);
      const taken = [file, flow].find((name) => existsSync(name));
      if (taken !== undefined && flags.force !== true) {
        throw new RayflowError("UsageError", `${taken} is there already: choose another name, or use --force`);
      }
      await mkdir(folder, { recursive: true });
      await writeFile(file, nodeSource(node, flow));
      await writeFile(flow, exampleFlow(node));
      if (output.format !== "table") return output.json({ type: node.type, file, flow });
      output.print(`${file}  the node ${node.type}`);
      output.print(`${flow}  a flow that runs it`);
      output.note(`Try it: rayflow run ${flow} --input '{"name": "Ada"}'`);
    });
}
