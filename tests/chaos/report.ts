/** The figures of a campaign, for machines and for people. */
import type { CampaignOptions } from "./campaign.ts";
import { type Fault, faultKinds } from "./faults.ts";
import type { Ledger } from "./ledger.ts";
import type { Traffic } from "./traffic.ts";
import type { Finding, Verdict } from "./verdict.ts";

/** The end of a run, as the campaign heard of it. */
export interface Ending {
  /** ms by the monotonic clock. */
  readonly at: number;
  readonly partition: number;
  readonly tookMs: number;
}

export interface Spread {
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Report {
  readonly passed: boolean;
  readonly seed: number;
  readonly shape: string;
  readonly sabotage: string | null;
  readonly minutes: number;
  /** kill -9 of any process. */
  readonly kills: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly runs: number;
  readonly runsPerSecond: number;
  readonly lost: number;
  readonly doublyApplied: number;
  readonly wrong: number;
  readonly refused: number;
  readonly effects: number;
  readonly repeatedEffects: number;
  readonly repeatedEnds: number;
  readonly refolded: number;
  readonly secondSubmissions: number;
  readonly repeatedPublishes: number;
  /** Messages of results that came again under another id. */
  readonly resultsAgain: number;
  /** From a kill -9 to the next run that ends, ms. */
  readonly recoveryMs: Readonly<Record<string, Spread>>;
  /** From a kill -9 of an orchestrator or server until a run has ended in every partition, ms. */
  readonly allPartitionsMs: Readonly<Record<string, Spread>>;
  /** From publish to end, ms. */
  readonly runMs: Spread;
  /** From the last fault until the last run has ended, ms. */
  readonly settledMs: number;
  readonly shapes: Readonly<Record<string, number>>;
  /** Processes that ended without being told to. */
  readonly ownEnds: readonly string[];
  /** The first findings. */
  readonly findings: readonly Finding[];
  /** Where the logs of all processes are. */
  readonly folder?: string;
}

const MAX_FINDINGS = 20;

export interface ReportInput {
  readonly options: CampaignOptions;
  readonly traffic: Traffic;
  readonly verdict: Verdict;
  readonly faults: readonly Fault[];
  readonly resultsAgain: number;
  readonly endings: readonly Ending[];
  readonly ledger: Ledger;
  readonly flowedMs: number;
  readonly settledMs: number;
  readonly ownEnds: readonly string[];
  readonly refused: ReadonlyMap<string, string>;
}

export function reportOf(input: ReportInput): Report {
  const { options, traffic, verdict, faults, endings, ledger, flowedMs } = input;
  const { findings } = verdict;
  const runsWith = (kind: Finding["kind"]) =>
    new Set(findings.filter((one) => one.kind === kind).map(({ run, what }) => run || what)).size;
  const kills = faults.filter(({ kind }) => kind.startsWith("kill -9"));
  const kinds = [...new Set(kills.map(({ kind }) => kind))].sort();
  const shapes = new Map<string, number>();
  for (const { plan } of traffic.runs.values()) shapes.set(plan.shape, (shapes.get(plan.shape) ?? 0) + 1);
  const refused = [...traffic.runs.keys()].filter((id) => input.refused.has(id));
  return {
    passed: findings.length === 0 && refused.length === 0 && traffic.runs.size > 0,
    seed: options.seed,
    shape: options.shape ?? "single",
    sabotage: options.sabotage ?? null,
    minutes: round(flowedMs / 60_000, 2),
    kills: kills.length,
    faults: Object.fromEntries(
      faultKinds.map((kind) => [kind, faults.filter((fault) => fault.kind === kind).length] as const),
    ),
    runs: traffic.runs.size,
    runsPerSecond: round(endings.length / ((flowedMs + input.settledMs) / 1_000), 1),
    lost: runsWith("lost"),
    doublyApplied: runsWith("doubly applied"),
    wrong: runsWith("wrong"),
    refused: refused.length,
    effects: ledger.recorded,
    repeatedEffects: verdict.repeatedEffects,
    repeatedEnds: verdict.repeatedEnds,
    refolded: verdict.refolded,
    secondSubmissions: traffic.secondSubmissions,
    repeatedPublishes: traffic.repeatedPublishes,
    resultsAgain: input.resultsAgain,
    recoveryMs: Object.fromEntries(
      kinds.map((kind) => [kind, spread(kills.filter((kill) => kill.kind === kind).flatMap(nextEnd(endings)))]),
    ),
    allPartitionsMs: Object.fromEntries(
      kinds
        .filter((kind) => kind !== "kill -9 actor")
        .map((kind) => [kind, spread(kills.filter((kill) => kill.kind === kind).flatMap(everyPartition(endings)))]),
    ),
    runMs: spread(endings.map(({ tookMs }) => tookMs)),
    settledMs: Math.round(input.settledMs),
    shapes: Object.fromEntries([...shapes].sort(([a], [b]) => a.localeCompare(b))),
    ownEnds: input.ownEnds,
    findings: findings.slice(0, MAX_FINDINGS),
  };
}

/** For people. */
export function tableOf(report: Report): string {
  const ms = ({ p50, p95, max }: Spread) => `${p50} / ${p95} / ${max} ms`;
  const rows: (readonly [string, string | number])[] = [
    ["seed", report.seed],
    ["servers", report.shape],
    ...(report.sabotage === null ? [] : [["sabotage", report.sabotage] as const]),
    ["minutes", report.minutes],
    ["runs", `${report.runs} (${report.runsPerSecond}/s)`],
    ["kill -9", report.kills],
    ...Object.entries(report.faults).map(([kind, count]) => [`  ${kind}`, count] as const),
    ["lost", report.lost],
    ["doubly applied", report.doublyApplied],
    ["wrong otherwise", report.wrong],
    ["refused", report.refused],
    ["effects", report.effects],
    ["  repeated, under the same key", report.repeatedEffects],
    ["submissions sent again", `${report.secondSubmissions}, and ${report.repeatedPublishes} publishes without PubAck`],
    ["messages of results sent again", report.resultsAgain],
    ["ends written again, all alike", report.repeatedEnds],
    ["histories folded again", report.refolded],
    ...Object.entries(report.recoveryMs).map(([kind, of]) => [`${kind} → next end, p50/p95/max`, ms(of)] as const),
    ...Object.entries(report.allPartitionsMs).map(
      ([kind, of]) => [`${kind} → an end in every partition`, ms(of)] as const,
    ),
    ["publish → end, p50/p95/max", ms(report.runMs)],
    ["last fault → last end", `${report.settledMs} ms`],
    ...(report.ownEnds.length > 0 ? [["ended by themselves", report.ownEnds.join(", ")] as const] : []),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
  for (const { kind, run, shape, what } of report.findings) lines.push(`${kind}: ${shape} ${run}: ${what}`);
  if (report.folder !== undefined) lines.push(`logs: ${report.folder}`);
  lines.push(report.passed ? "PASSED" : "FAILED");
  return lines.join("\n");
}

function nextEnd(endings: readonly Ending[]): (kill: Fault) => number[] {
  return ({ at }) => {
    const next = endings.find((ending) => ending.at > at);
    return next ? [next.at - at] : [];
  };
}

function everyPartition(endings: readonly Ending[]): (kill: Fault) => number[] {
  const partitions = new Set(endings.map(({ partition }) => partition));
  return ({ at }) => {
    const missing = new Set(partitions);
    for (const ending of endings) {
      if (ending.at <= at) continue;
      missing.delete(ending.partition);
      if (missing.size === 0) return [ending.at - at];
    }
    return [];
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
