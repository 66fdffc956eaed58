/** For tests of node code: a context with variables in memory and a log that is kept. */

import { noopTracer } from "../telemetry/index.ts";
import type { ModelAccess } from "./model-access.ts";
import { modelObserver } from "./model-metrics.ts";
import type { NodeContext, NodeLog, NodeResources, VariableScope, Variables } from "./node-definition.ts";

export interface LogLine {
  level: keyof NodeLog;
  message: string;
  fields: Record<string, unknown> | undefined;
}

export interface FakeContextOptions extends Partial<Omit<NodeContext, "resources" | "log">> {
  resources?: Partial<NodeResources>;
  /** Log lines are pushed here. */
  lines?: LogLine[];
}

/** No endpoints; limits that limit nothing. */
const noModels: ModelAccess = {
  endpoints: [],
  defaultModel: undefined,
  tenants: {},
  observer: modelObserver(),
  limits: {
    slot: async () => ({ release: async () => undefined }),
    slotsTaken: () => 0,
    turn: async () => undefined,
    charge: async () => undefined,
    reserve: async (_name, { wanted }) => ({ granted: wanted, settle: async () => undefined }),
    mark: async () => undefined,
    isMarked: async () => false,
    close: async () => undefined,
  },
};

/** A context for one execution of a node, alone in a test. */
export function fakeContext(options: FakeContextOptions = {}): NodeContext {
  const { resources, lines = [], ...own } = options;
  const write =
    (level: keyof NodeLog) =>
    (message: string, fields?: Record<string, unknown>): void => {
      lines.push({ level, message, fields });
    };
  return {
    runId: "rtest",
    flow: "test",
    nodeId: "node",
    scope: "",
    attempt: 1,
    idempotencyKey: "rtest:node@",
    signal: new AbortController().signal,
    deadline: Date.now() + 60_000,
    log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
    tracer: noopTracer,
    variables: memoryVariables(),
    heartbeat: () => undefined,
    publish: async () => ({ stored: true, duplicate: false }),
    ...own,
    resources: {
      filesRoot: undefined,
      allowPrivateAddresses: false,
      publish: () => undefined,
      request: () => Promise.reject(new Error("no request in this test")),
      publishStored: async () => ({ stored: true, duplicate: false }),
      models: noModels,
      ...resources,
    },
  };
}

/** Variables in memory, keyed `<scope>.<name>`. */
export function memoryVariables(values: Map<string, unknown> = new Map()): Variables {
  const key = (scope: VariableScope, name: string) => `${scope}.${name}`;
  return {
    async get(scope, name) {
      return values.has(key(scope, name)) ? { value: values.get(key(scope, name)) } : undefined;
    },
    async set(scope, name, value) {
      values.set(key(scope, name), value);
    },
    async increment(scope, name, by) {
      const next = Number(values.get(key(scope, name)) ?? 0) + by;
      values.set(key(scope, name), next);
      return next;
    },
    async exists(scope, name) {
      return values.has(key(scope, name));
    },
    async delete(scope, name) {
      return values.delete(key(scope, name));
    },
    async list(scope) {
      const own = [...values].filter(([name]) => name.startsWith(`${scope}.`));
      return Object.fromEntries(own.map(([name, value]) => [name.slice(scope.length + 1), value]));
    },
  };
}
