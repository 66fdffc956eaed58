/** `npm run docs:nodes`: writes docs/nodes.md from the registry. `--check` only says whether it is up to date. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";
import { writeOrCheck } from "./write-or-check.mjs";

await setUp();
const { loadNodes } = await import(pathToFileURL(path.join(root, "dist", "actors", "index.js")).href);
const { nodes } = await loadNodes();
const types = [...nodes.values()].map(({ nodeType }) => nodeType).sort((a, b) => (a.type < b.type ? -1 : 1));
const categories = [...new Set(types.map(({ category }) => category))].sort();

const lines = [
  "# The built-in node types",
  "",
  "Written by `npm run docs:nodes`: do not edit. A `?` marks an input that may be left out, `=` its default. *pure* types may",
  "be used without exec edges: they are evaluated when a value of theirs is needed. Every exec node also has the exec output",
  "`error` with the data output `error`, unless it says otherwise.",
];
for (const category of categories) {
  lines.push("", `## ${category}`);
  for (const type of types.filter((one) => one.category === category)) lines.push("", ...describe(type));
}
writeOrCheck(path.join(root, "docs", "nodes.md"), `${lines.join("\n")}\n`);

function describe(type) {
  const exec = execOf(type.exec);
  return [
    `### ${type.type}${type.pure ? " (pure)" : ""}`,
    "",
    [type.title, type.description]
      .filter((text) => text !== "")
      .join(". ")
      .replace(/([^.])$/, "$1."),
    "",
    `- inputs: ${pins(type.inputs, true, type.open_inputs)}`,
    `- outputs: ${pins(type.outputs, false, type.outputs_from_api_schema)}`,
    `- exec: ${exec}`,
    ...config(type.config),
  ];
}

function pins(declared, marks, open) {
  const named = Object.entries(declared).map(([name, pin]) => {
    const missing = marks && !pin.required;
    const value = missing && pin.default !== undefined ? ` = ${JSON.stringify(pin.default)}` : "";
    return `\`${name}: ${pin.type}${missing && value === "" ? "?" : ""}${value}\``;
  });
  return [...named, ...(open ? ["any other"] : [])].join(", ") || "none";
}

function execOf({ input, outputs, error }) {
  const out = {
    type: () => outputs.pins.map((pin) => `\`${pin}\``).join(", "),
    list: () =>
      [
        `\`${outputs.prefix}0\` … one for each of config \`${outputs.key}\``,
        ...outputs.also.map((pin) => `\`${pin}\``),
      ].join(", "),
    flag: () =>
      `${outputs.otherwise.map((pin) => `\`${pin}\``).join(", ")}; with config \`${outputs.key}\`: ${outputs.pins.map((pin) => `\`${pin}\``).join(", ")}`,
    edges: () => `\`${outputs.prefix}0\`, \`${outputs.prefix}1\` … as connected`,
  }[outputs.from]();
  return `${input ? "in" : "no input"}; out ${out || "none"}${error ? "" : "; no `error`"}`;
}

/** The config's fields, from its JSON Schema. */
function config(schema) {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return [];
  const required = new Set(schema.required ?? []);
  const named = fields.map(([name, field]) => {
    const value = field.default === undefined ? "" : ` = ${JSON.stringify(field.default)}`;
    return `\`${name}: ${jsonType(field)}${required.has(name) || value !== "" ? "" : "?"}${value}\``;
  });
  return [`- config: ${named.join(", ")}`];
}

function jsonType(field) {
  if (field.enum !== undefined) return field.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (field.const !== undefined) return JSON.stringify(field.const);
  const options = field.anyOf ?? field.oneOf;
  if (options !== undefined) return [...new Set(options.map(jsonType))].join(" or ");
  if (field.type === "array") return `list of ${jsonType(field.items ?? {})}`;
  return Array.isArray(field.type) ? field.type.join(" or ") : (field.type ?? "any");
}
