/** The files that `rayflow nodes new` writes: a node that works as it is, and a flow that runs it. */
import { RayflowError } from "../flow/index.ts";

export interface NodeName {
  readonly category: string;
  readonly name: string;
  /** `<category>_<name>` */
  readonly type: string;
}

const PART = /^[a-z][a-z0-9_]*$/;

/**
 * Reads `text/shout`, `text_shout` or `shout` (then in the category `custom`).
 * @throws UsageError
 */
export function parseNodeName(text: string): NodeName {
  const snake = text
    .replace(/\.ts$/, "")
    .replace(/-/g, "_")
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase();
  const split = snake.includes("/") ? snake.indexOf("/") : snake.indexOf("_");
  const category = split < 0 ? "custom" : snake.slice(0, split);
  const name = snake.slice(split + 1);
  if (PART.test(category) && !category.includes("_") && PART.test(name) && category.length + name.length < 64) {
    return { category, name, type: `${category}_${name}` };
  }
  throw new RayflowError(
    "UsageError",
    `${JSON.stringify(text)} is no node name: <category>/<name> or <category>_<name>, lower-case letters, digits and _`,
  );
}

export function nodeSource({ category, name, type }: NodeName, flowFile: string): string {
  const title = name.replace(/_/g, " ").replace(/^./, (first) => first.toUpperCase());
  return `import { defineNode, z } from "rayflow";

/** Greets somebody, as often as its config says. Run it: rayflow run ${flowFile} */
export default defineNode({
  type: "${type}",
  title: "${title}",
  category: "${category}",
  description: "Greets somebody.",
  inputs: { name: z.string() },
  outputs: { greeting: z.string() },
  // What the flow's author sets on the node itself.
  config: z.object({ times: z.number().int().min(1).max(10).default(1) }),
  async run({ inputs, config, ctx }) {
    ctx.log.info("greeting", { name: inputs.name });
    const greeting = Array(config.times).fill(\`Hello, \${inputs.name}!\`).join(" ");
    return { greeting };
  },
});
`;
}

/** A flow that runs the node, ready for \`rayflow run\`. */
export function exampleFlow({ type }: NodeName): string {
  const flow = {
    metadata: { name: `${type.replaceAll("_", "-")}-example` },
    flow: {
      nodes: [
        {
          id: "start",
          type: "start",
          position: { x: 0, y: 0 },
          data: { config: { api_schema: { name: { type: "str", default: "world" } } } },
        },
        { id: "node", type, position: { x: 240, y: 0 }, data: { config: { times: 2 } } },
        { id: "return", type: "return", position: { x: 480, y: 0 }, data: { config: { name: "success" } } },
      ],
      edges: [
        edge("e1", ["start", "exec-out"], ["node", "exec-in"]),
        edge("e2", ["node", "exec-out"], ["return", "exec-in"]),
        edge("e3", ["start", "output-name"], ["node", "input-name"]),
        edge("e4", ["node", "output-greeting"], ["return", "input-greeting"]),
      ],
    },
  };
  return `${JSON.stringify(flow, null, 2)}\n`;
}

function edge(id: string, [source, sourceHandle]: [string, string], [target, targetHandle]: [string, string]) {
  return { id, source, sourceHandle, target, targetHandle };
}
