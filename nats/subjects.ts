/**
 * Every subject of RayFlow, built and parsed here alone. What goes into a subject is checked first: an id that
 * holds a dot or a wildcard would address something else.
 */
import { RayflowError } from "../flow/index.ts";

declare const brand: unique symbol;
/** An id that is safe as one token of a subject or a key. Only `subjectToken` makes one. */
export type SubjectToken = string & { readonly [brand]: "SubjectToken" };

const TOKEN_PATTERN = /^[A-Za-z0-9_-]{1,128}$/;

/** @throws MalformedMessage when the text is not 1 to 128 of `A-Z a-z 0-9 _ -`. */
export function subjectToken(text: string): SubjectToken {
  if (!TOKEN_PATTERN.test(text)) {
    throw new RayflowError("MalformedMessage", `not fit for a subject: ${JSON.stringify(text.slice(0, 200))}`);
  }
  return text as SubjectToken;
}

export const SUBMIT_SUBJECT = "rayflow.flow.run";
/** In the place of a partition: for runs of several. */
const SHARED = "many";

export const subjects = {
  /** A submission: a bare flow or an envelope. */
  submit: () => SUBMIT_SUBJECT,
  /** Inputs for a deployed flow. */
  submitTo: (flowName: string) => `${SUBMIT_SUBJECT}.${subjectToken(flowName)}`,
  submitAll: () => [SUBMIT_SUBJECT, `${SUBMIT_SUBJECT}.*`],
  /** Work for the actors of one node type. */
  node: (type: string) => `rayflow.node.${subjectToken(type)}`,
  nodeAll: () => "rayflow.node.*",
  /** Results of one node type for the runs of one partition. */
  result: (type: string, partition: number) => `rayflow.result.${subjectToken(type)}.${partition}`,
  resultAll: () => "rayflow.result.*.*",
  resultsOfPartition: (partition: number) => `rayflow.result.*.${partition}`,
  /** Results of one node type for runs of several partitions; each partition's reader takes its own. */
  sharedResult: (type: string) => `rayflow.result.${subjectToken(type)}.${SHARED}`,
  sharedResults: () => `rayflow.result.*.${SHARED}`,
  /** Everything else that changes a run. */
  run: (partition: number, run: string) => `rayflow.run.${partition}.${subjectToken(run)}`,
  runAll: () => "rayflow.run.*.*",
  runsOfPartition: (partition: number) => `rayflow.run.${partition}.*`,
  /** Ends of runs that share a message; each partition's reader takes its own. */
  sharedEnds: () => `rayflow.run.${SHARED}.finished`,
  history: (flowName: string, run: string) => `rayflow.history.${safeToken(flowName)}.${subjectToken(run)}`,
  historyOfFlow: (flowName: string) => `rayflow.history.${safeToken(flowName)}.*`,
  historyOfRun: (run: string) => `rayflow.history.*.${subjectToken(run)}`,
  historyAll: () => "rayflow.history.*.*",
  timer: (partition: number, run: string, id: string) =>
    `rayflow.timer.${partition}.${subjectToken(run)}.${subjectToken(id)}`,
  timerAll: () => "rayflow.timer.*.*.*",
  fire: (partition: number, run: string, id: string) =>
    `rayflow.fire.${partition}.${subjectToken(run)}.${subjectToken(id)}`,
  fireAll: () => "rayflow.fire.*.*.*",
  firesOfPartition: (partition: number) => `rayflow.fire.${partition}.*.*`,
  /** The schedule of a deployed flow's trigger, in the stream of the timers. */
  triggerTimer: (flowName: string, id: string) => `rayflow.timer.trigger.${subjectToken(flowName)}.${subjectToken(id)}`,
  triggerFire: (flowName: string, id: string) => `rayflow.fire.trigger.${subjectToken(flowName)}.${subjectToken(id)}`,
  event: (run: string, kind: string) => `rayflow.event.${subjectToken(run)}.${subjectToken(kind)}`,
  eventsOfRun: (run: string) => `rayflow.event.${subjectToken(run)}.*`,
  eventAll: () => "rayflow.event.*.*",
  cancel: (run: string) => `rayflow.cancel.${subjectToken(run)}`,
  cancelAll: () => "rayflow.cancel.*",
  /** Request/reply: `rayflow.svc.flow.run` waits for the run's result. */
  service: (...path: string[]) => `rayflow.svc.${path.map(subjectToken).join(".")}`,
} as const;

/** What a subject of the log says: whose results, whose run, or that runs have ended. */
export type LogSubject =
  | { readonly kind: "ends" }
  | { readonly kind: "result"; readonly type: string; readonly partition: number | "many" }
  | { readonly kind: "run"; readonly partition: number; readonly run: string };

export function parseLogSubject(subject: string): LogSubject | undefined {
  const parts = subject.split(".");
  if (parts.length !== 4 || parts[0] !== "rayflow") return undefined;
  if (parts[1] === "result") {
    const partition = parts[3] === SHARED ? SHARED : Number(parts[3]);
    return { kind: "result", type: parts[2] ?? "", partition };
  }
  if (parts[1] === "run" && parts[2] === SHARED) return parts[3] === "finished" ? { kind: "ends" } : undefined;
  if (parts[1] === "run") return { kind: "run", partition: Number(parts[2]), run: parts[3] ?? "" };
  return undefined;
}

/** The deployed flow that a submission's subject names; undefined for `rayflow.flow.run` itself. */
export function flowOfSubmitSubject(subject: string): string | undefined {
  return subject.startsWith(`${SUBMIT_SUBJECT}.`) ? subject.slice(SUBMIT_SUBJECT.length + 1) : undefined;
}

/** The run and timer that a fired schedule belongs to. */
export function parseFireSubject(subject: string): { partition: number; run: string; id: string } | undefined {
  const parts = subject.split(".");
  const partition = Number(parts[2]);
  if (parts.length !== 5 || parts[1] !== "fire" || !Number.isInteger(partition)) return undefined;
  return { partition, run: parts[3] ?? "", id: parts[4] ?? "" };
}

/** The trigger that a fired schedule belongs to; undefined for a run's timer. */
export function parseTriggerFire(subject: string): { flow: string; id: string } | undefined {
  const parts = subject.split(".");
  if (parts.length !== 5 || parts[1] !== "fire" || parts[2] !== "trigger") return undefined;
  return { flow: parts[3] ?? "", id: parts[4] ?? "" };
}

/**
 * Whether RayFlow may publish to a subject that a client named (`Rayflow-Reply`, `io_nats_publish`): a plain subject
 * without wildcards, not RayFlow's own and not the server's.
 */
export function isPublishable(subject: string): boolean {
  if (subject.length === 0 || subject.length > 512) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not pass
  if (/[\s*>\u0000-\u001f\u007f]/.test(subject)) return false;
  const tokens = subject.split(".");
  return tokens.every((token) => token.length > 0) && tokens[0] !== "rayflow" && !subject.startsWith("$");
}

/** Any text as one token of a subject or key: what is not `A-Z a-z 0-9 _ -` becomes `=` and two hex digits per byte. */
export function safeToken(text: string): string {
  let out = "";
  for (const byte of new TextEncoder().encode(text)) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).padStart(2, "0")}`;
  }
  return out === "" ? "=" : out;
}

/** The text that `safeToken` encoded. */
export function fromSafeToken(token: string): string {
  if (token === "=") return "";
  const bytes: number[] = [];
  for (let at = 0; at < token.length; at++) {
    if (token[at] === "=") {
      bytes.push(Number.parseInt(token.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(token.charCodeAt(at));
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** The partition of a run: FNV-1a over its id, modulo the number of partitions fixed at set-up. */
export function partitionOf(run: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < run.length; at++) {
    hash ^= run.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % partitions;
}
