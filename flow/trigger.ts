/** What starts a deployed flow by itself: a time, a message, a change of a variable. */
import { z } from "zod";
import { parseCron } from "./cron.ts";
import { duration, durationMs, ID_PATTERN } from "./flow.ts";
import { type FlowIssue, issueLog } from "./issue.ts";
import { isObject, own } from "./json-value.ts";
import { flowLevels } from "./normalize.ts";

const common = {
  /** Tells two triggers apart that are otherwise the same. */
  name: z.string().regex(ID_PATTERN).optional(),
  /** Inputs of each run; what the trigger itself brings goes over them. Default none. */
  inputs: z.record(z.string(), z.unknown()).default({}),
};
const scheduled = {
  ...common,
  /** What happens when firings were missed: one run for the last of them, or none. Default "last". */
  catch_up: z.enum(["last", "skip"]).default("last"),
};
const paced = {
  ...common,
  /** Most runs per second that each orchestrator starts; what comes faster waits. Default 100. */
  max_per_second: z.number().min(0.1).max(10_000).default(100),
};

const DAY_MS = 86_400_000;

const cronTrigger = z.strictObject({
  type: z.literal("cron"),
  /** `minute hour day month weekday`, with seconds before them if wanted, or `@daily` and the like. */
  cron: z.string().max(200),
  /** An IANA name. Default "UTC". */
  timezone: z.string().max(64).default("UTC"),
  ...scheduled,
});
const intervalTrigger = z.strictObject({
  type: z.literal("interval"),
  /** From midnight UTC of 1 January 1970 on, so that all agree: "10m" is due at :00, :10, :20. */
  every: duration.refine(
    (value) => durationMs(value) >= 1_000 && durationMs(value) <= 366 * DAY_MS,
    'an interval is from "1s" to "366d"',
  ),
  ...scheduled,
});
const subjectTrigger = z.strictObject({
  type: z.literal("subject"),
  /** May hold wildcards; not RayFlow's own and not the server's. */
  subject: z.string().refine(isTriggerSubject, "this is no subject that a trigger may listen to"),
  /** The JetStream stream that holds the messages: then none is lost. Default: core NATS. */
  stream: z
    .string()
    .regex(/^[^\s.*>/\\]{1,255}$/)
    .refine((name) => !/^(RAYFLOW|KV_|OBJ_)/.test(name), "this stream is not for triggers")
    .optional(),
  ...paced,
});
const variableTrigger = z.strictObject({
  type: z.literal("variable"),
  /** `global.<name>`, or `flow.<name>` for one of the flow's own. */
  variable: z
    .string()
    .max(200)
    .regex(/^(global|flow)\..+$/s, "a variable is global.<name> or flow.<name>"),
  ...paced,
});

/** A trigger as a file holds it: the key says what it is, `type` may. */
export const writtenTrigger = z.union([
  cronTrigger.partial({ type: true }),
  intervalTrigger.partial({ type: true }),
  subjectTrigger.partial({ type: true }),
  variableTrigger.partial({ type: true }),
]);

export const trigger = z.preprocess(
  withType,
  z
    .discriminatedUnion("type", [cronTrigger, intervalTrigger, subjectTrigger, variableTrigger])
    .superRefine((value, context) => {
      if (value.type === "cron") checkCron(value, context);
    }),
);
export type Trigger = z.output<typeof trigger>;
export type ScheduledTrigger = Extract<Trigger, { type: "cron" | "interval" }>;
export type SubjectTrigger = Extract<Trigger, { type: "subject" }>;
export type VariableTrigger = Extract<Trigger, { type: "variable" }>;

const TYPES = { cron: "cron", every: "interval", subject: "subject", variable: "variable" } as const;

/** `{"cron": "0 9 * * *"}` says by its key what it is. */
function withType(json: unknown): unknown {
  if (!isObject(json) || own(json, "type") !== undefined) return json;
  const key = (Object.keys(TYPES) as (keyof typeof TYPES)[]).find((name) => Object.hasOwn(json, name));
  return key === undefined ? json : { type: TYPES[key], ...json };
}

function checkCron(value: { cron: string; timezone: string }, context: z.RefinementCtx): void {
  try {
    if (parseCron(value.cron, value.timezone).next(Date.UTC(2026, 0, 1)) !== undefined) return;
    context.addIssue({ code: "custom", path: ["cron"], message: "it is never due" });
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
  }
}

function isTriggerSubject(subject: string): boolean {
  const tokens = subject.split(".");
  const [first = ""] = tokens;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not pass
  if (subject.length > 512 || /[\s\u0000-\u001f\u007f]/.test(subject) || tokens.includes("")) return false;
  if (/^(rayflow|_INBOX|\$.*|[*>])$/.test(first)) return false;
  return tokens.every(
    (token, at) => !/[*>]/.test(token) || token === "*" || (token === ">" && at === tokens.length - 1),
  );
}

export interface ReadTriggers {
  readonly triggers: Trigger[];
  readonly issues: FlowIssue[];
}

/** The triggers that a flow file declares, beside its nodes or in its metadata. */
export function triggersOf(json: unknown): ReadTriggers {
  for (const level of flowLevels(json).toReversed()) {
    const metadata = own(level, "metadata");
    const list = own(level, "triggers") ?? (isObject(metadata) ? own(metadata, "triggers") : undefined);
    if (list !== undefined && list !== null) return readTriggers(list);
  }
  return { triggers: [], issues: [] };
}

export function readTriggers(list: unknown): ReadTriggers {
  const log = issueLog();
  const triggers: Trigger[] = [];
  if (!Array.isArray(list)) log.error("BAD_CONFIG", '"triggers" must be a list', { path: "triggers" });
  for (const [index, json] of (Array.isArray(list) ? list : []).entries()) {
    const parsed = trigger.safeParse(json);
    if (parsed.success) triggers.push(parsed.data);
    for (const issue of parsed.error?.issues ?? []) {
      const at = ["triggers", ...issue.path].join(".").replace("triggers", `triggers[${index}]`);
      log.error("BAD_CONFIG", `${at}: ${issue.message}`, { path: at });
    }
  }
  return { triggers, issues: log.errors };
}

/** The first time after the given one at which a trigger is due, ms since 1970. */
export function nextDue(trigger: ScheduledTrigger, afterMs: number): number | undefined {
  if (trigger.type === "cron") return cronOf(trigger).next(afterMs);
  const step = Math.round(durationMs(trigger.every));
  return (Math.floor(afterMs / step) + 1) * step;
}

/** The last time up to and including the given one; undefined when there was none since `sinceMs`. */
export function lastDue(trigger: ScheduledTrigger, sinceMs: number, throughMs: number): number | undefined {
  let last: number | undefined;
  // From near the end back, in ever longer steps: there may be millions in between.
  for (let span = 1_000; last === undefined; span *= 4) {
    const from = Math.max(sinceMs, throughMs - span) - 1;
    for (let next = nextDue(trigger, from); next !== undefined && next <= throughMs; next = nextDue(trigger, next)) {
      last = next;
    }
    if (from < sinceMs) break;
  }
  return last;
}

const crons = new Map<string, ReturnType<typeof parseCron>>();
const MAX_CRONS = 1_000;

/** A formatter for a time zone costs far more than its use. */
function cronOf({ cron, timezone }: { cron: string; timezone: string }): ReturnType<typeof parseCron> {
  const key = `${timezone} ${cron}`;
  let parsed = crons.get(key);
  if (parsed === undefined) {
    if (crons.size >= MAX_CRONS) crons.clear();
    parsed = parseCron(cron, timezone);
    crons.set(key, parsed);
  }
  return parsed;
}
