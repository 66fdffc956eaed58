/** The records of the flow registry: an immutable version, and the pointer that says which one is active. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { type Flow, flow, ID_PATTERN, RayflowError, type Trigger, trigger } from "../flow/index.ts";

const epochMs = z.number();

/** A trigger at work. */
export const activeTrigger = z.object({
  /** Follows from what it waits for: the same in a later version that keeps it. */
  id: z.string().regex(ID_PATTERN),
  /** Since when the flow has had it without a break, ms since 1970. */
  since: epochMs,
  trigger,
});
export type ActiveTrigger = z.infer<typeof activeTrigger>;

/** A version of a deployed flow. Its hash is that of its content. */
export const flowVersion = z.object({
  v: z.literal(1),
  name: z.string(),
  version: z.string(),
  /** When this content was deployed first, ms since 1970. */
  deployed_at: epochMs,
  flow,
  triggers: z.array(trigger),
});
export type FlowVersion = z.infer<typeof flowVersion>;

const versionInfo = z.object({
  version: z.string(),
  /** The version that the flow file itself declares. */
  label: z.string().optional(),
  deployed_at: epochMs,
});
export type VersionInfo = z.infer<typeof versionInfo>;

/** What is deployed under a name. */
export const deployedFlow = z.object({
  v: z.literal(1),
  name: z.string(),
  version: z.string(),
  label: z.string().optional(),
  /** When this version became the active one, ms since 1970. */
  deployed_at: epochMs,
  /** The version that was active before. */
  previous: z.string().optional(),
  triggers: z.array(activeTrigger),
  /** Triggers that it had: whoever finds traces of them takes them away. */
  retired: z.array(activeTrigger),
  /** Oldest first; the oldest of very many can be had by their whole hash only. */
  versions: z.array(versionInfo),
  deleted: z.boolean().optional(),
});
export type DeployedFlow = z.infer<typeof deployedFlow>;

/** Hex digits of a version's hash that people are shown. */
const SHOWN_DIGITS = 12;
const FEWEST_DIGITS = 6;
const HASH_DIGITS = 32;

/** @throws ValidationError */
export function checkFlowName(name: string): string {
  if (ID_PATTERN.test(name)) return name;
  const why = "it goes into subjects, so it is 1 to 64 of A-Z a-z 0-9 _ -";
  const hint = name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 64);
  throw new RayflowError(
    "ValidationError",
    `a flow cannot be deployed as ${JSON.stringify(name.slice(0, 100))}: ${why}; ${JSON.stringify(hint)} would do (--name)`,
  );
}

/** The same for the same content, whatever the order of its keys. */
export function versionOf(flow: Flow, triggers: readonly Trigger[]): string {
  return hashOf({ flow, triggers }).slice(0, HASH_DIGITS);
}

export function shortVersion(version: string): string {
  return version.slice(0, SHOWN_DIGITS);
}

/** The version that a run carries and shows: `1.2.0@3fa94b07c1d2`. */
export function runVersion({ version, flow }: { version: string; flow: Pick<Flow, "version"> }): string {
  return flow.version === undefined ? shortVersion(version) : `${flow.version}@${shortVersion(version)}`;
}

/** What a trigger waits for makes its id; what it does then does not. */
export function triggerId(flowName: string, trigger: Trigger): string {
  const { inputs, ...rest } = trigger;
  const source: Record<string, unknown> = { ...rest, flowName };
  for (const setting of ["catch_up", "max_per_second"]) delete source[setting];
  return `${trigger.type}-${hashOf(source).slice(0, 12)}`;
}

/** @throws ValidationError when two of them cannot be told apart */
export function activateTriggers(
  flowName: string,
  triggers: readonly Trigger[],
  before: readonly ActiveTrigger[],
  nowMs: number,
): ActiveTrigger[] {
  const since = new Map(before.map((one) => [one.id, one.since]));
  const active = triggers.map((trigger) => {
    const id = triggerId(flowName, trigger);
    return { id, since: since.get(id) ?? nowMs, trigger };
  });
  if (new Set(active.map(({ id }) => id)).size < active.length) {
    const message = `two triggers of ${flowName} wait for the same: give one of them a "name"`;
    throw new RayflowError("ValidationError", message);
  }
  return active;
}

/** `name` or `name@version`. */
export function parseFlowRef(ref: string): { name: string; version: string | undefined } {
  const at = ref.indexOf("@");
  return at < 0 ? { name: ref, version: undefined } : { name: ref.slice(0, at), version: ref.slice(at + 1) };
}

/**
 * The version that a label, or the first digits of a hash, mean. Of several with one label it is the latest. A whole
 * hash is taken as it is.
 * @throws ValidationError when the digits fit several versions
 */
export function findVersion(versions: readonly VersionInfo[], wanted: string): string | undefined {
  const labelled = versions.findLast(
    ({ label, version }) => label === wanted || `${label}@${shortVersion(version)}` === wanted,
  );
  if (labelled !== undefined) return labelled.version;
  if (!new RegExp(`^[0-9a-f]{${FEWEST_DIGITS},${HASH_DIGITS}}$`).test(wanted)) return undefined;
  const fitting = versions.filter(({ version }) => version.startsWith(wanted));
  if (fitting.length > 1) {
    const found = fitting.map(({ version }) => shortVersion(version)).join(", ");
    throw new RayflowError("ValidationError", `${wanted} begins several versions: ${found}; give more digits`);
  }
  return fitting[0]?.version ?? (wanted.length === HASH_DIGITS ? wanted : undefined);
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
