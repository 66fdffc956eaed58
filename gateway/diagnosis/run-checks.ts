/** Runs that stand still, and will until somebody does something. */
import type { NatsConnection } from "@nats-io/transport-node";
import { STREAMS, type TopologyReport } from "../../nats/index.ts";
import type { Run } from "../../orchestrator/index.ts";
import { SnapshotStore } from "../../store/index.ts";
import { findLiveRuns, foldLiveRuns } from "../live-runs.ts";
import { type Check, spanText } from "./check.ts";

/** The oldest ones are looked at. */
const MAX_RUNS = 200;
/** With more messages in the log than these its runs are not folded. */
const MAX_FOLDED_MESSAGES = 50_000;
const MAX_NAMED = 3;

type Stuck = "incident" | "signal" | "actor" | "held";

const SAYS: Readonly<Record<Stuck, { readonly message: string; readonly advice: string }>> = {
  incident: {
    message: "paused over a failed node",
    advice: "rayflow runs describe RUN, then rayflow runs retry RUN or rayflow runs cancel RUN",
  },
  signal: { message: "have waited for a signal for long", advice: "rayflow runs signal RUN NAME, or cancel them" },
  actor: {
    message: "have waited for an actor's answer for long",
    advice: "is one there, and does it get on? rayflow top",
  },
  held: {
    message: "have been held or paused by hand for long",
    advice: "rayflow debug RUN, or rayflow runs resume RUN",
  },
};

/** `stuckAfterMs`: what is long. */
export async function checkRuns(
  nc: NatsConnection,
  { infos, settings }: TopologyReport,
  nowMs: number,
  stuckAfterMs: number,
): Promise<Check[]> {
  const name = "runs";
  if ((infos.get(STREAMS.log)?.state.messages ?? 0) > MAX_FOLDED_MESSAGES) {
    return [{ name, level: "ok", message: "too many messages in the log to look at each run: rayflow runs list" }];
  }
  const live = { nc, partitions: settings.partitions, snapshots: await SnapshotStore.open(nc) };
  const runs = (await findLiveRuns(live, nowMs)).reverse();
  const stuck = new Map<Stuck, { run: string; ms: number }[]>();
  for await (const { run, finished } of foldLiveRuns(live, runs.slice(0, MAX_RUNS))) {
    if (!run || finished) continue;
    for (const [kind, since] of standstills(run)) {
      const ms = nowMs - since;
      if (kind !== "incident" && ms < stuckAfterMs) continue;
      stuck.set(kind, [...(stuck.get(kind) ?? []), { run: run.id, ms }]);
    }
  }
  const looked = runs.length > MAX_RUNS ? `the oldest ${MAX_RUNS} of ${runs.length}` : String(runs.length);
  if (stuck.size === 0) return [{ name, level: "ok", message: `${looked} live, none of them stuck` }];
  return [...stuck].map(([kind, found]) => {
    found.sort((a, b) => b.ms - a.ms);
    const ids = found.slice(0, MAX_NAMED).map(({ run }) => run);
    const oldest = spanText((found[0]?.ms ?? 0) / 1000);
    const message = `${found.length} ${SAYS[kind].message} (${ids.join(", ")}${found.length > ids.length ? ", …" : ""}; the oldest for ${oldest})`;
    return { name, level: "warn" as const, message, advice: SAYS[kind].advice };
  });
}

/** What the run stands still over, each kind once, and since when (ms since 1970). */
function standstills(run: Run): Map<Stuck, number> {
  const { scopes, inFlight, graph, debug, incidents, heldByHand, now } = run.details;
  const found = new Map<Stuck, number>();
  const note = (kind: Stuck, since: number): void => {
    found.set(kind, Math.min(found.get(kind) ?? Number.POSITIVE_INFINITY, since));
  };
  if (run.state === "paused" && incidents === 0 && heldByHand) note("held", now);
  for (const { activation, since } of debug?.held ?? []) if (activation.state === "held") note("held", since);
  for (const { activations } of scopes.values()) {
    for (const { state, node, startedAt, timer } of activations.values()) {
      if (state === "incident") note("incident", startedAt || now);
      // One with a timeout goes on by itself.
      else if (state === "sleeping" && timer === undefined && graph.nodes.get(node)?.kind === "wait_signal") {
        note("signal", startedAt || now);
      }
    }
  }
  for (const { scope, node, pure } of inFlight.values()) {
    if (pure === undefined && graph.nodes.get(node)?.kind === "subflow") continue;
    note("actor", scopes.get(scope)?.activations.get(node)?.startedAt || now);
  }
  return found;
}
