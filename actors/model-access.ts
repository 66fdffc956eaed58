/** What node code may use of models: the deployment's endpoints with their limits, and the limits that all actors share. */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { SharedLimits } from "../store/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { type ModelObserver, modelObserver } from "./model-metrics.ts";

const limits = {
  /** Requests at the same time, of all actors together. */
  max_concurrency: z.number().int().min(1).max(10_000).optional(),
  requests_per_minute: z.number().positive().optional(),
  /** Prompt and answer together. */
  tokens_per_minute: z.number().positive().optional(),
};

const httpUrl = z.url({ protocol: /^https?$/ });

export const modelEndpoint = z.strictObject({
  /** The server, with or without `/v1`. */
  url: httpUrl,
  /** The models that it serves. Default: any. */
  models: z.array(z.string().min(1)).min(1).optional(),
  /** Sent as a bearer token. */
  api_key: z.string().min(1).optional(),
  ...limits,
});
export type ModelEndpoint = z.infer<typeof modelEndpoint>;

export const tenantLimits = z.strictObject(limits);
export type TenantLimits = z.infer<typeof tenantLimits>;

/** What a deployment says of models. */
export interface ModelSettings {
  readonly endpoints: readonly ModelEndpoint[];
  readonly defaultModel: string | undefined;
  /** By tenant; `*` for all that are not named. */
  readonly tenants: Readonly<Record<string, TenantLimits>>;
}

export type Limits = Pick<
  SharedLimits,
  "slot" | "slotsTaken" | "turn" | "charge" | "reserve" | "mark" | "isMarked" | "close"
>;

export interface ModelAccess extends ModelSettings {
  /** Made when it is first asked for. */
  readonly limits: Limits;
  /** Who is told what happens. */
  readonly observer: ModelObserver;
}

/** The access of an actor, who ends it. */
export interface OwnModelAccess extends ModelAccess {
  close(): Promise<void>;
}

/** The variables that say what models there are, as text. */
export interface ModelVariables {
  /** One endpoint. */
  readonly VLLM_URL?: string | undefined;
  readonly VLLM_MODEL?: string | undefined;
  /** More of them: addresses with commas between, or a JSON list of endpoints with their limits. */
  readonly RAYFLOW_MODEL_ENDPOINTS?: string | undefined;
  /** A JSON object of limits by tenant. */
  readonly RAYFLOW_TENANT_LIMITS?: string | undefined;
}

/** @throws UsageError naming the variable that is off */
export function readModelSettings(variables: ModelVariables): ModelSettings {
  const { VLLM_URL, VLLM_MODEL, RAYFLOW_MODEL_ENDPOINTS, RAYFLOW_TENANT_LIMITS } = variables;
  const first = VLLM_URL === undefined ? [] : parse("VLLM_URL", z.array(modelEndpoint), [{ url: VLLM_URL }]);
  const list = RAYFLOW_MODEL_ENDPOINTS?.trim() ?? "";
  const json = list.startsWith("[") ? readJson("RAYFLOW_MODEL_ENDPOINTS", list) : addresses(list);
  const more = parse("RAYFLOW_MODEL_ENDPOINTS", z.array(modelEndpoint), json);
  const given = RAYFLOW_TENANT_LIMITS === undefined ? {} : readJson("RAYFLOW_TENANT_LIMITS", RAYFLOW_TENANT_LIMITS);
  return {
    // What is said of an address in the list counts, whatever VLLM_URL says of it.
    endpoints: [...first.filter(({ url }) => !more.some((other) => sameServer(url, other.url))), ...more],
    defaultModel: VLLM_MODEL,
    tenants: parse("RAYFLOW_TENANT_LIMITS", z.record(z.string(), tenantLimits), given),
  };
}

/** The access of an actor on this connection. */
export function modelAccess(
  nc: NatsConnection,
  settings: ModelSettings | undefined,
  metrics?: Metrics,
): OwnModelAccess {
  let made: SharedLimits | undefined;
  const observer = modelObserver(metrics);
  return {
    ...(settings ?? { endpoints: [], defaultModel: undefined, tenants: {} }),
    observer,
    get limits() {
      made ??= new SharedLimits(nc);
      return made;
    },
    close: async () => {
      observer.close();
      await made?.close();
    },
  };
}

const sameServer = (a: string, b: string): boolean => new URL(a).href === new URL(b).href;

function addresses(list: string): unknown {
  const urls = list.split(",").map((url) => url.trim());
  return urls.filter((url) => url !== "").map((url) => ({ url }));
}

function readJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RayflowError("UsageError", `the variable ${name} is off: it is no JSON`);
  }
}

function parse<S extends z.ZodType>(name: string, schema: S, value: unknown): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `${issue.path.join(".")}: ` : "";
  throw new RayflowError("UsageError", `the variable ${name} is off: ${where}${issue?.message}`);
}
