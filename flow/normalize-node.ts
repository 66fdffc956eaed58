/** Reads one node of a flow file, in whichever of the known shapes it is written. */
import { type FlowNode, ID_PATTERN, MAX_VALUE_DEPTH, type NodePolicy, nodePolicy } from "./flow.ts";
import type { IssueLog } from "./issue.ts";
import { describeValue, isObject, type JsonObject, mergeObjects, nestsDeeperThan, own } from "./json-value.ts";
import { NODE_DATA_KEYS, NODE_KEYS, POLICY_KEYS, RETRY_KEYS, warnUnknownKeys } from "./known-keys.ts";
import { canonicalType } from "./type-alias.ts";

/** The node at `nodes[index]`; undefined when it cannot be told which node it is. */
export function normalizeNode(json: unknown, index: number, log: IssueLog): FlowNode | undefined {
  if (!isObject(json)) {
    log.error("MISSING_FIELD", `nodes[${index}] is ${describeValue(json)}: a node is an object with "id" and "type"`, {
      path: `nodes[${index}]`,
    });
    return undefined;
  }
  const id = readId(json, index, log);
  if (id === undefined) return undefined;
  warnUnknownKeys(json, NODE_KEYS, `node "${id}"`, log, { node_id: id });
  const data = readObject(json, "data", id, "data", log);
  warnUnknownKeys(data, NODE_DATA_KEYS, `node "${id}"`, log, { node_id: id, path: "data" });
  const object = (from: JsonObject, key: string, path: string) => readObject(from, key, id, path, log);

  const config = mergeObjects(object(json, "config", "config"), object(data, "config", "config"));
  const constants = mergeObjects(
    object(json, "constants", "constants"),
    object(json, "constantValues", "constants"),
    object(data, "constants", "constants"),
    object(data, "constantValues", "constants"),
  );
  const label = own(data, "label") ?? own(json, "label");
  const position = readPosition(own(json, "position"));
  const policy = readPolicy(mergeObjects(object(json, "policy", "policy"), object(data, "policy", "policy")), id, log);
  return {
    id,
    type: readType(json, id, log),
    ...(typeof label === "string" ? { label } : {}),
    ...(position === undefined ? {} : { position }),
    config: shallowEnough(config, id, "config", log),
    constants: shallowEnough(constants, id, "constants", log),
    ...(policy === undefined ? {} : { policy }),
  };
}

function readId(json: JsonObject, index: number, log: IssueLog): string | undefined {
  const id = own(json, "id");
  if (id === undefined || id === null) {
    log.error("MISSING_FIELD", `nodes[${index}] has no "id": give it one that no other node has`, {
      path: `nodes[${index}].id`,
    });
    return undefined;
  }
  if (typeof id === "string" && ID_PATTERN.test(id)) return id;
  log.error(
    "BAD_ID",
    `nodes[${index}] has the id ${describeValue(id)}: an id is a text of 1 to 64 letters, digits, "_" and "-"`,
    { path: `nodes[${index}].id`, ...(typeof id === "string" ? { node_id: id } : {}) },
  );
  // The node stays, so that the edges at it are not reported as well.
  return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}

function readType(json: JsonObject, id: string, log: IssueLog): string {
  const type = own(json, "type");
  if (typeof type === "string" && type.trim() !== "") return canonicalType(type);
  log.error("MISSING_FIELD", `node "${id}" has no "type": say which node type it is, like "math_add"`, {
    node_id: id,
    path: "type",
  });
  return "";
}

function readObject(from: JsonObject, key: string, id: string, path: string, log: IssueLog): JsonObject {
  const value = own(from, key);
  if (isObject(value)) return value;
  if (value !== undefined && value !== null) {
    log.error("BAD_CONFIG", `"${key}" of node "${id}" is ${describeValue(value)}: it must be an object`, {
      node_id: id,
      path,
    });
  }
  return {};
}

function readPosition(value: unknown): { x: number; y: number } | undefined {
  if (!isObject(value)) return undefined;
  const x = own(value, "x");
  const y = own(value, "y");
  return typeof x === "number" && typeof y === "number" ? { x, y } : undefined;
}

function shallowEnough(value: JsonObject, id: string, path: string, log: IssueLog): JsonObject {
  if (!nestsDeeperThan(value, MAX_VALUE_DEPTH)) return value;
  log.error("LIMIT", `${path} of node "${id}" nests deeper than ${MAX_VALUE_DEPTH} levels: flatten it`, {
    node_id: id,
    path,
  });
  return {};
}

function readPolicy(json: JsonObject, id: string, log: IssueLog): NodePolicy | undefined {
  if (Object.keys(json).length === 0) return undefined;
  const place = { node_id: id, path: "policy" };
  warnUnknownKeys(json, POLICY_KEYS, `the policy of node "${id}"`, log, place);
  const retry = own(json, "retry");
  if (isObject(retry)) {
    warnUnknownKeys(retry, RETRY_KEYS, `policy.retry of node "${id}"`, log, { node_id: id, path: "policy.retry" });
  }
  const parsed = nodePolicy.safeParse(json);
  if (parsed.success) return Object.keys(parsed.data).length === 0 ? undefined : parsed.data;
  for (const problem of parsed.error.issues) {
    const path = ["policy", ...problem.path].join(".");
    log.error("BAD_CONFIG", `${path} of node "${id}": ${problem.message}`, { node_id: id, path });
  }
  return undefined;
}
