/**
 * Logs of the processes that the CLI runs: JSON lines on stderr, or readable ones when a person is looking.
 *
 * L1. No line holds a secret that can be told by its name or its looks, wherever it stands in what was logged.
 * L2. A line that is written inside a span says so (`trace_id`, `span_id`), unless it names a trace itself.
 */
import { createRequire } from "node:module";
import { type DestinationStream, type Logger, type LoggerOptions as PinoOptions, pino } from "pino";
import type { Environment } from "./environment.ts";
import { REDACTED, redact, redactText } from "./redact.ts";

export interface LoggerOptions {
  readonly environment: Pick<Environment, "RAYFLOW_LOG_LEVEL" | "NO_COLOR">;
  /** Used when RAYFLOW_LOG_LEVEL is not set. */
  readonly defaultLevel: "info" | "warn" | "error";
  /** What is logging: `orchestrator`, `actor`. */
  readonly name: string;
  /** Readable lines. Default: when stderr is a terminal. */
  readonly pretty?: boolean | undefined;
  /** Takes the lines in place of stderr. */
  readonly destination?: DestinationStream;
}

/** Names that hold a secret wherever pino itself looks; `redact` looks everywhere else. */
const PATHS = ["password", "token", "secret", "authorization", "headers.authorization", "headers.cookie"];

export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const level = options.environment.RAYFLOW_LOG_LEVEL ?? options.defaultLevel;
  const settings = settingsOf(options.name, level);
  if (options.destination) return guarded(pino(settings, options.destination));
  // Synchronous: the last lines before an exit are the ones that matter.
  if (!(options.pretty ?? process.stderr.isTTY === true))
    return guarded(pino(settings, pino.destination({ dest: 2, sync: true })));
  const { default: pretty } = await import("pino-pretty");
  const colorize = !options.environment.NO_COLOR;
  return guarded(pino(settings, pretty({ destination: 2, sync: true, colorize, ignore: "pid,hostname" })));
}

/** Pino gives what a child adds to its lines to no formatter: it is looked at here. Children inherit this. */
function guarded(logger: Logger): Logger {
  const child: Logger["child"] = logger.child;
  logger.child = function (this: Logger, bindings: object, ...options: unknown[]) {
    return Reflect.apply(child, this, [withoutSecrets(bindings), ...options]);
  };
  return logger;
}

function settingsOf(name: string, level: string): PinoOptions {
  return {
    name,
    level,
    redact: { paths: PATHS, censor: REDACTED },
    mixin: activeSpan,
    // What a line says of itself goes before what the span around it says.
    mixinMergeStrategy: (line, span) => ({ ...span, ...line }),
    formatters: { bindings: withoutSecrets, log: withoutSecrets },
    serializers: { err: serializeError, error: serializeError },
    hooks: {
      logMethod(args, method) {
        const [first, ...filled] = args as unknown[];
        const start = typeof first === "string" ? redactText(first) : first;
        const rest = filled.length === 0 ? messageOf(first) : filled.map((value) => redact(value));
        Reflect.apply(method, this, [start, ...rest]);
      },
    },
  };
}

/** Pino takes the message of an error for the line's, as it is. */
function messageOf(logged: unknown): string[] {
  const error = logged instanceof Error ? logged : (logged as { err?: unknown } | null | undefined)?.err;
  return error instanceof Error ? [redactText(error.message)] : [];
}

function withoutSecrets(fields: object): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  // Errors are for their serializer, which knows what an error holds; `redact` would leave an empty object of them.
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof Error) copy[name] = serializeError(value);
    else Object.assign(copy, redact({ [name]: value }));
  }
  return copy;
}

/** Also of errors in errors, and of what libraries hang onto them. */
function serializeError(error: unknown): unknown {
  return redact(error instanceof Error ? pino.stdSerializers.err(error) : error);
}

type Api = typeof import("@opentelemetry/api");
/** Where every copy of the API keeps what is registered: when nothing is there, nobody traces. */
const API = Symbol.for("opentelemetry.js.api.1");
let api: Api | undefined;

function activeSpan(): object {
  if ((globalThis as { [API]?: unknown })[API] === undefined) return {};
  api ??= createRequire(import.meta.url)("@opentelemetry/api") as Api;
  const { trace, context, isSpanContextValid } = api;
  const span = trace.getSpanContext(context.active());
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
