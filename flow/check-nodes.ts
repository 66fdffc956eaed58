/** What is set on the nodes themselves: inputs, literals, config. */
import { type CheckContext, inputKey } from "./check-context.ts";
import { apiField } from "./flow.ts";
import type { IndexedNode } from "./flow-index.ts";
import { checkSchema } from "./json-schema.ts";
import { describeValue, isObject, own } from "./json-value.ts";
import { formatPinType, parsePinType, valueFits } from "./pin-type.ts";
import { holdsSecret, secretsAsText } from "./secret-reference.ts";
import { didYouMean, listNames, nearest } from "./suggest.ts";

export function checkNodes(context: CheckContext): void {
  for (const node of context.index.nodes) {
    checkInputs(node, context);
    checkLiterals(node, context);
    checkConfig(node, context);
    checkApiSchema(node, context);
  }
}

/** MISSING_INPUT. */
function checkInputs(node: IndexedNode, { log, brokenInputs }: CheckContext): void {
  if (node.pins === undefined) return;
  const fed = new Set(node.dataIn.map((link) => link.edge.target_pin));
  for (const [pin, { required, type, ...rest }] of node.pins.inputs) {
    if (!required || "default" in rest || fed.has(pin) || Object.hasOwn(node.node.constants, pin)) continue;
    if (brokenInputs.has(inputKey(node.id, pin))) continue;
    log.error(
      "MISSING_INPUT",
      `node "${node.id}" (${node.node.type}) needs its input "${pin}" (${formatPinType(type)}): connect a source, or ` +
        "give it a constant",
      { node_id: node.id, path: `inputs.${pin}` },
    );
  }
}

/** TYPE_MISMATCH of literals. */
function checkLiterals(node: IndexedNode, { log }: CheckContext): void {
  if (node.pins === undefined) return;
  for (const [pin, value] of Object.entries(node.node.constants)) {
    const input = node.pins.inputs.get(pin);
    const place = { node_id: node.id, path: `constants.${pin}` };
    if (input === undefined) {
      const hint = didYouMean(pin, node.pins.inputs.keys()) || ": it has no effect";
      log.warn("UNKNOWN_KEY", `node "${node.id}" has a constant for "${pin}", which is no input of it${hint}`, place);
    } else if (!valueFits(asTyped(node, value), input.type)) {
      log.error(
        "TYPE_MISMATCH",
        `the constant for "${pin}" of node "${node.id}" is ${describeValue(value)}, the input takes ` +
          `${formatPinType(input.type)}: change the constant`,
        place,
      );
    }
  }
}

/** With a text in the place of each secret, where an actor puts them there. */
function asTyped({ kind }: IndexedNode, value: unknown): unknown {
  return kind === "actor" ? secretsAsText(value) : value;
}

/** BAD_CONFIG against the type's JSON Schema. */
function checkConfig({ id, node, type, kind }: IndexedNode, { log }: CheckContext): void {
  if (type === undefined) return;
  if (kind !== "actor" && holdsSecret(node.config)) {
    const message = `config of node "${id}" (${node.type}) names a secret: only nodes that an actor runs can have one`;
    log.error("BAD_CONFIG", message, { node_id: id, path: "config" });
    return;
  }
  const { problems, unknownKeys } = checkSchema(secretsAsText(node.config), type.config);
  for (const { path, message } of problems) {
    const at = path === "" ? "config" : `config.${path}`;
    log.error("BAD_CONFIG", `${at} of node "${id}" (${node.type}) ${message}`, { node_id: id, path: at });
  }
  for (const { path, known } of unknownKeys) {
    const key = path.split(".").at(-1) ?? path;
    const near = nearest(key, known);
    const usual = known.length === 0 ? "the type takes no config" : `the type knows ${listNames(known)}`;
    const hint = near === undefined ? usual : `did you mean "${near}"?`;
    log.warn("UNKNOWN_KEY", `config of node "${id}" (${node.type}) has the unknown key "${path}": ${hint}`, {
      node_id: id,
      path: `config.${path}`,
    });
  }
}

/** BAD_CONFIG in what START declares as the flow's inputs. */
function checkApiSchema({ id, node, type }: IndexedNode, { log }: CheckContext): void {
  if (!type?.outputs_from_api_schema) return;
  const schema = own(node.config, "api_schema");
  if (schema === undefined || schema === null) return;
  const bad = (path: string, message: string) =>
    log.error("BAD_CONFIG", `${path} of node "${id}" ${message}`, { node_id: id, path });
  if (!isObject(schema)) {
    // The type's own schema for its config may have said so already.
    if (!log.errors.some((issue) => issue.node_id === id && issue.path === "config.api_schema")) {
      bad("config.api_schema", `is ${describeValue(schema)}: it must be an object of {type, required?, default?}`);
    }
    return;
  }
  for (const [name, json] of Object.entries(schema)) {
    const path = `config.api_schema.${name}`;
    if (log.errors.some((issue) => issue.node_id === id && issue.path?.startsWith(path))) continue;
    const field = apiField.safeParse(json);
    if (!field.success) {
      const problem = field.error.issues[0];
      bad([path, ...(problem?.path ?? [])].join("."), `is off: ${problem?.message ?? "it must be an object"}`);
      continue;
    }
    const pinType = parsePinType(field.data.type);
    if (pinType === undefined) {
      bad(
        `${path}.type`,
        `is ${describeValue(field.data.type)}: it must be int, float, str, bool, dict, list, any, list[T] or dict[str,T]`,
      );
    } else if (field.data.default !== undefined && !valueFits(field.data.default, pinType)) {
      bad(`${path}.default`, `is ${describeValue(field.data.default)}, which is not ${formatPinType(pinType)}`);
    }
  }
}
