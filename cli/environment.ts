/** What the environment says: read here alone, once, through one schema. */
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** A variable that is there says yes, unless it is empty, `0` or `false`. */
const flag = z
  .string()
  .optional()
  .transform((value) => value !== undefined && value !== "0" && value.toLowerCase() !== "false");

const environment = z.object({
  /** One server, or several with commas between. */
  NATS_URL: z.string().optional(),
  NATS_CREDS: z.string().optional(),
  NATS_NKEY: z.string().optional(),
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  NATS_TOKEN: z.string().optional(),
  NATS_CA: z.string().optional(),
  NATS_CERT: z.string().optional(),
  NATS_KEY: z.string().optional(),
  NATS_TLS_FIRST: flag,
  NATS_INBOX_PREFIX: z.string().optional(),
  /** Where an account that imports JetStream's API has it. */
  NATS_JS_API_PREFIX: z.string().optional(),
  /** What execution tokens are made with, base64url with commas between: the first signs, all verify; or none. */
  RAYFLOW_TOKEN_KEYS: z.string().optional(),
  /** Bearer token of the HTTP API. */
  RAYFLOW_TOKEN: z.string().optional(),
  /** Where the editor finds a run's trace: an address with {trace_id} in it. */
  RAYFLOW_JAEGER_URL: z.string().optional(),
  /** Where /metrics, /healthz and /readyz of this process are. Default: nowhere. */
  RAYFLOW_METRICS_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  RAYFLOW_METRICS_HOST: z.string().optional(),
  /** As OpenTelemetry names and means them. */
  OTEL_SDK_DISABLED: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
  OTEL_TRACES_EXPORTER: z.string().optional(),
  OTEL_TRACES_SAMPLER: z.string().optional(),
  OTEL_TRACES_SAMPLER_ARG: z.string().optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.string().optional(),
  OTEL_EXPORTER_OTLP_TIMEOUT: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.string().optional(),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: z.string().optional(),
  OTEL_BSP_SCHEDULE_DELAY: z.string().optional(),
  OTEL_BSP_MAX_QUEUE_SIZE: z.string().optional(),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: z.string().optional(),
  /** The trace that this command is a part of (W3C): set by whoever starts it. */
  TRACEPARENT: z.string().optional(),
  TRACESTATE: z.string().optional(),
  OTEL_METRICS_EXPORTER: z.string().optional(),
  OTEL_METRIC_EXPORT_INTERVAL: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_METRICS_HEADERS: z.string().optional(),
  /** The model endpoint of deliberations that name none, and its model. */
  VLLM_URL: z.string().optional(),
  VLLM_MODEL: z.string().optional(),
  /** More endpoints: addresses with commas, or a JSON list with their limits. */
  RAYFLOW_MODEL_ENDPOINTS: z.string().optional(),
  /** Limits of models' use by tenant, a JSON object. */
  RAYFLOW_TENANT_LIMITS: z.string().optional(),
  /** Port of the executor's gRPC service. */
  GRPC_PORT: z
    .string()
    .regex(/^\d{1,5}$/, "a port is wanted")
    .optional(),
  /** Where the graph of decisions is kept. Absent: on JetStream KV. */
  NEO4J_URI: z.string().optional(),
  NEO4J_USER: z.string().optional(),
  NEO4J_PASSWORD: z.string().optional(),
  NEO4J_DATABASE: z.string().optional(),
  /** What caches the decisions of a task: redis://host:6379. */
  VALKEY_URL: z.string().optional(),
  /** Default: warn for single commands, info for services. */
  RAYFLOW_LOG_LEVEL: z.enum(LOG_LEVELS).optional(),
  /** Set by npm and npx for what they run. */
  npm_command: z.string().optional(),
  NO_COLOR: flag,
  CI: flag,
});
export type Environment = z.output<typeof environment>;

const SECRET_PREFIX = "RAYFLOW_SECRET_";

/** What the environment holds for node code, by name without `RAYFLOW_SECRET_`; it is gone from the environment then. */
export function takeSecrets(variables: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (!name.startsWith(SECRET_PREFIX) || value === undefined) continue;
    secrets[name.slice(SECRET_PREFIX.length).toUpperCase()] = value;
    delete variables[name];
  }
  return secrets;
}

/** @throws UsageError naming the variable that is off */
export function readEnvironment(variables: NodeJS.ProcessEnv = process.env): Environment {
  const present = Object.fromEntries(
    Object.keys(environment.shape)
      .map((name) => [name, variables[name]?.trim()])
      // `NATS_URL=` is how a shell takes a variable away for one command.
      .filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = environment.safeParse(present);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RayflowError("UsageError", `the variable ${issue?.path.join(".")} is off: ${issue?.message}`);
}
