/** Holds what happened against what had to: every run's one end, its values, its effects, the counters, the history. */
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type RunResult, runIdOf, STREAMS } from "../../nats/index.ts";
import { foldRun } from "../../orchestrator/run/fold.ts";
import { type HistoryRecord, historyHeaders, RunHistory, VariableStore } from "../../store/index.ts";
import type { Ledger, RunEffects } from "./ledger.ts";
import { canonical, fingerprint, type LogTap, type SeenEnd } from "./log-tap.ts";
import { type Ownership, SHARED_TOO_LONG_MS } from "./ownership.ts";
import type { TrackedRun } from "./traffic.ts";

/** What was found wrong; `lost` and `doublyApplied` are the claims, `wrong` is everything else. */
export interface Finding {
  readonly kind: "lost" | "doubly applied" | "wrong";
  readonly run: string;
  readonly shape: string;
  readonly what: string;
}

export interface VerdictInput {
  readonly nc: NatsConnection;
  readonly runs: ReadonlyMap<string, TrackedRun>;
  readonly tap: LogTap;
  readonly ledger: Ledger;
  readonly ownership: Ownership;
}

export interface Verdict {
  readonly findings: readonly Finding[];
  /** Effects of an attempt that was recorded already; each under the key of its activation. */
  readonly repeatedEffects: number;
  /** Activations that had an effect. */
  readonly activations: number;
  /** Histories that were folded anew and gave the recorded result. */
  readonly refolded: number;
  /** `finished` messages beyond a run's first, all with its content. */
  readonly repeatedEnds: number;
}

const REFOLD_EVERY = 10;

interface Past {
  /** Contents of its history messages. */
  readonly ends: Set<string>;
  result: RunResult;
}

export async function judge({ nc, runs, tap, ledger, ownership }: VerdictInput): Promise<Verdict> {
  const findings: Finding[] = [];
  const { past, refolded, misfolded } = await readHistory(nc);
  const executedBy = usualExecutions(runs, past);
  const own = new Set<string>();
  const counters = new Map<string, number>();
  let repeatedEnds = 0;

  const check = (run: TrackedRun): void => {
    const { plan, id } = run;
    const find = (kind: Finding["kind"], what: string) => findings.push({ kind, run: id, shape: plan.shape, what });
    own.add(id);
    if (run.ackedAt === undefined) return;
    if (plan.counter) counters.set(plan.counter.name, (counters.get(plan.counter.name) ?? 0) + plan.counter.adds);
    const ended = past.get(id);
    if (!ended) {
      find("lost", tap.ends.has(id) ? "it ended, but its history is not there" : "it has no end");
      return;
    }
    const seen = [...(tap.ends.get(id)?.values() ?? [])];
    const ends = new Set([...ended.ends, ...(tap.ends.get(id)?.keys() ?? [])]);
    if (ends.size > 1) find("doubly applied", `it ended ${ends.size} times, each time differently: ${describe(seen)}`);
    for (const { seqs } of seen) repeatedEnds += seqs.length - 1;

    const { result } = ended;
    const got = { status: result.status, result: result.result, error: result.error?.code ?? null };
    if (canonical(got) !== canonical(plan.expected)) {
      find(
        isMore(result, plan.expected.result) ? "doubly applied" : "wrong",
        `${JSON.stringify(got)}${result.error ? ` (${result.error.message})` : ""}, not ${JSON.stringify(plan.expected)}`,
      );
    }
    const executed = result.statistics.nodes_executed;
    const usual = executedBy.get(plan.variant) ?? executed;
    // A cancel may come before or after the first node's result.
    if (executed !== usual && plan.shape !== "cancel") {
      find(executed > usual ? "doubly applied" : "wrong", `${executed} nodes were executed, usually ${usual}`);
    }
    const effects = ledger.runs.get(id);
    compareEffects(effects, plan.activations, find);
    if (plan.child) {
      const childRun = runIdOf(`${id}:${plan.child.of}`);
      own.add(childRun);
      compareEffects(ledger.runs.get(childRun), plan.child.activations, find);
      if (past.get(childRun)?.result.success !== true) find("lost", "its child run has no history");
    }
    if (plan.sleeps && effects) {
      const before = effects.get(plan.sleeps.before)?.firstAt ?? 0;
      const after = effects.get(plan.sleeps.after)?.firstAt ?? Number.POSITIVE_INFINITY;
      if (after - before < plan.sleeps.ms) find("wrong", `it slept ${after - before} ms, not ${plan.sleeps.ms}`);
    }
  };
  for (const run of runs.values()) check(run);

  const whole = { run: "", shape: "" };
  for (const run of ledger.runs.keys()) {
    if (!own.has(run))
      findings.push({ ...whole, kind: "doubly applied", run, what: "effects of a run nobody submitted" });
  }
  for (const stray of ledger.strayKeys)
    findings.push({ ...whole, kind: "doubly applied", what: `foreign key ${stray}` });
  for (const what of misfolded) findings.push({ ...whole, kind: "wrong", what });
  if (ownership.longestSharedMs > SHARED_TOO_LONG_MS) {
    const seconds = Math.round(ownership.longestSharedMs / 1_000);
    findings.push({ ...whole, kind: "wrong", what: `two orchestrators drove one partition for ${seconds} s` });
  }
  const variables = await VariableStore.open(nc);
  for (const [name, total] of counters) {
    const value = (await variables.get({ scope: "global" }, name))?.value;
    if (value !== total) {
      const kind = typeof value === "number" && value > total ? "doubly applied" : "lost";
      findings.push({ ...whole, kind, what: `the counter ${name} is ${value}; its activations add up to ${total}` });
    }
  }
  return { findings, refolded, repeatedEnds, ...countEffects(ledger) };
}

/** The run ids of the history's records. */
export async function recordedRuns(nc: NatsConnection): Promise<Set<string>> {
  const found = new Set<string>();
  for await (const message of history(nc, true)) {
    if (!message.headers?.has(historyHeaders.segment)) found.add(message.subject.split(".")[3] ?? "");
  }
  return found;
}

async function readHistory(nc: NatsConnection) {
  const past = new Map<string, Past>();
  const misfolded: string[] = [];
  const inSegments = new Set<string>();
  const store = new RunHistory(nc);
  let refolded = 0;
  let read = 0;
  for await (const message of history(nc, false)) {
    const run = message.subject.split(".")[3] ?? "";
    if (message.headers?.has(historyHeaders.segment)) {
      inSegments.add(run);
      continue;
    }
    const record = (await store.partOf(message))?.record;
    if (!record) throw new Error(`the record of ${run} cannot be read: ${JSON.stringify(store.refusals.snapshot())}`);
    const known = past.get(run);
    if (known) known.ends.add(fingerprint(record.result));
    else past.set(run, { ends: new Set([fingerprint(record.result)]), result: record.result });
    if (++read % REFOLD_EVERY === 0 && !inSegments.has(run)) {
      refolded++;
      if (!foldsTo(run, record)) misfolded.push(`the log of ${run}, folded again, gives another result`);
    }
  }
  return { past, refolded, misfolded };
}

function foldsTo(run: string, record: HistoryRecord): boolean {
  const folded = foldRun(run, 0, record.entries as Parameters<typeof foldRun>[2]).result;
  return folded !== undefined && fingerprint(folded) === fingerprint(record.result);
}

async function* history(nc: NatsConnection, headersOnly: boolean) {
  const consumer = await jetstream(nc).consumers.get(STREAMS.history, { headers_only: headersOnly });
  if ((await consumer.info()).num_pending === 0) return;
  const messages = await consumer.consume({ max_messages: 256 });
  try {
    for await (const message of messages) {
      yield message;
      if (message.info.pending === 0) return;
    }
  } finally {
    messages.stop();
    await consumer.delete().catch(() => {});
  }
}

function describe(ends: readonly SeenEnd[]): string {
  return ends.map(({ result, seqs }) => `at ${seqs.join(" and ")} ${JSON.stringify(result)}`).join("; ");
}

/** By variant: how many nodes most of its runs executed. */
function usualExecutions(runs: ReadonlyMap<string, TrackedRun>, past: ReadonlyMap<string, Past>): Map<string, number> {
  const counts = new Map<string, Map<number, number>>();
  for (const { id, plan } of runs.values()) {
    const executed = past.get(id)?.result.statistics.nodes_executed;
    if (executed === undefined) continue;
    const ofVariant = counts.get(plan.variant) ?? new Map<number, number>();
    counts.set(plan.variant, ofVariant);
    ofVariant.set(executed, (ofVariant.get(executed) ?? 0) + 1);
  }
  return new Map(
    [...counts].map(([variant, of]) => [variant, [...of].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0] as const),
  );
}

function compareEffects(
  effects: RunEffects | undefined,
  activations: readonly string[],
  find: (kind: Finding["kind"], what: string) => void,
): void {
  for (const activation of activations) {
    if (!effects?.has(activation)) find("lost", `${activation} never had its effect`);
  }
  const planned = new Set(activations);
  for (const activation of effects?.keys() ?? []) {
    if (!planned.has(activation)) find("doubly applied", `${activation} had an effect and must not have had one`);
  }
}

/** Whether some value is larger than it may be: something was added more than once. */
function isMore(result: RunResult, expected: Readonly<Record<string, unknown>> | null): boolean {
  return Object.entries(result.result ?? {}).some(([name, value]) => {
    const wanted = expected?.[name];
    if (typeof value === "number") return typeof wanted === "number" && value > wanted;
    return Array.isArray(value) && Array.isArray(wanted) && value.length > wanted.length;
  });
}

function countEffects(ledger: Ledger): { repeatedEffects: number; activations: number } {
  let repeatedEffects = 0;
  let activations = 0;
  for (const effects of ledger.runs.values()) {
    for (const { attempts } of effects.values()) {
      activations++;
      for (const count of attempts.values()) repeatedEffects += count - 1;
    }
  }
  return { repeatedEffects, activations };
}
