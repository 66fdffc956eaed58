/** Everything the gateway can be asked, by name. Each call rejects with an ApiError, or with its signal's reason. */
import type {
  ExecuteRequest,
  FlowSummary,
  FlowVersion,
  LogPage,
  NodeType,
  RerunRequest,
  RunAction,
  RunDescription,
  RunPage,
  RunQuery,
  RunResult,
  ServerConfig,
  StoredFlow,
  Validation,
  Variable,
} from "./answers.ts";
import { type RunEventsOptions, type RunNews, runEvents } from "./events.ts";
import { type ApiOptions, type RequestOptions, sendJson } from "./request.ts";

/** Where variables live. */
export type VariableScope = "global" | `flow:${string}` | `run:${string}`;

/** What a save takes the place of: the revision that was read, or nothing. */
export type SavedOver = { readonly revision: number | string } | "nothing";

interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

function conditionOf(over: SavedOver): Record<string, string> {
  return over === "nothing" ? { "if-none-match": "*" } : { "if-match": `"${over.revision}"` };
}

export type ApiClient = ReturnType<typeof createClient>;

export function createClient(options: ApiOptions = {}) {
  const call = <T>(method: string, path: string, request?: RequestOptions): Promise<T> =>
    sendJson<T>(options, method, path, request);
  const run = (id: string, rest = ""): string => `/api/runs/${encodeURIComponent(id)}${rest}`;
  const flow = (name: string, rest = ""): string => `/api/flows/${encodeURIComponent(name)}${rest}`;

  return {
    config: (more: Cancellable = {}) => call<ServerConfig>("GET", "/api/config", more),
    nodes: (more: Cancellable = {}) => call<{ readonly nodes: readonly NodeType[] }>("GET", "/api/nodes", more),

    flows: (more: Cancellable = {}) => call<{ readonly flows: readonly FlowSummary[] }>("GET", "/api/flows", more),
    flow: (name: string, version?: string, more: Cancellable = {}) =>
      call<StoredFlow>("GET", flow(name), { query: { version }, ...more }),
    /**
     * `over`: the revision that was read, or `"nothing"` for a new flow; 412 when something else is there. Absent: whatever
     * is there is replaced.
     */
    saveFlow: (name: string, body: unknown, over?: SavedOver) =>
      call<{ readonly name: string; readonly revision: number | string }>("PUT", flow(name), {
        body: { flow: body },
        ...(over === undefined ? {} : { headers: conditionOf(over) }),
      }),
    deployFlow: (name: string) =>
      call<{ readonly name: string; readonly version: string }>("POST", flow(name, "/deploy")),
    deleteFlow: (name: string) => call<void>("DELETE", flow(name)),
    flowVersions: (name: string) => call<{ readonly versions: readonly FlowVersion[] }>("GET", flow(name, "/versions")),
    validate: (body: unknown, more: Cancellable = {}) =>
      call<Validation>("POST", "/api/flows/validate", { body, ...more }),

    /** Starts a run and does not wait for it. A key given twice is one run. */
    start: (request: ExecuteRequest, key?: string) =>
      call<{ readonly run_id: string }>("POST", "/api/flows/execute", {
        query: { wait: false },
        body: request,
        ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
      }),
    /** Starts a run and waits for its result. */
    execute: (request: ExecuteRequest, more: Cancellable = {}) =>
      call<RunResult>("POST", "/api/flows/execute", { body: request, ...more }),

    runs: (query: RunQuery = {}, more: Cancellable = {}) =>
      call<RunPage>("GET", "/api/runs", { query: { ...query }, ...more }),
    run: (id: string, more: Cancellable = {}) => call<RunDescription>("GET", run(id), more),
    log: (id: string, page: { readonly after?: number; readonly limit?: number } = {}, more: Cancellable = {}) =>
      call<LogPage>("GET", run(id, "/log"), { query: { ...page }, ...more }),
    /** Its log from an entry on, then what comes live, then its result. */
    events: (id: string, more: RunEventsOptions = {}): AsyncGenerator<RunNews> => runEvents(options, id, more),
    control: (id: string, action: RunAction, reason?: string) =>
      call<{ readonly seq: number }>("POST", run(id, `/${action}`), {
        body: reason === undefined ? {} : { reason },
      }),
    signal: (id: string, name: string, payload: unknown) =>
      call<{ readonly seq: number }>("POST", run(id, "/signal"), { body: { name, payload } }),
    /** Tries failed nodes again: in the run when it waits for that, else in a new one. */
    retry: (id: string, node?: string) =>
      call<{ readonly run_id: string; readonly action: "retry" | "rerun" }>("POST", run(id, "/retry"), {
        body: node === undefined ? {} : { node },
      }),
    rerun: (id: string, request: RerunRequest) =>
      call<{ readonly run_id: string }>("POST", run(id, "/rerun"), { body: request }),

    /** A large value by the id in its reference. */
    blob: (id: string) => call<unknown>("GET", `/api/blobs/${id.split("/").map(encodeURIComponent).join("/")}`),

    setBreakpoints: (id: string, nodes: readonly string[]) =>
      call<unknown>("POST", run(id, "/breakpoints"), { body: { nodes } }),
    step: (id: string) => call<unknown>("POST", run(id, "/step"), { body: {} }),
    continue: (id: string) => call<unknown>("POST", run(id, "/continue"), { body: {} }),

    variables: (scope: VariableScope, more: Cancellable = {}) =>
      call<{ readonly variables: readonly Variable[] }>("GET", "/api/variables", { query: { scope }, ...more }),
    setVariable: (scope: VariableScope, name: string, value: unknown, revision?: number) =>
      call<Variable>("PUT", variablePath(scope, name), {
        body: { value },
        ...(revision === undefined ? {} : { headers: { "if-match": `"${revision}"` } }),
      }),
    deleteVariable: (scope: VariableScope, name: string) => call<void>("DELETE", variablePath(scope, name)),
  };
}

function variablePath(scope: VariableScope, name: string): string {
  const [kind = "", of] = scope.split(/:(.*)/s);
  const parts = of === undefined ? [kind, name] : [kind, of, name];
  return `/api/variables/${parts.map(encodeURIComponent).join("/")}`;
}
