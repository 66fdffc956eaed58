/** What `rayflow top` shows, as lines: a pure function of what was read and of the size there is. */
import type { Overview, PartitionOverview, TypeOverview, WaitsFor } from "../gateway/index.ts";
import { type Cell, type Column, columnLines, cut } from "./columns.ts";
import { type Style, styled } from "./output.ts";

export const RUN_SORTS = ["age", "new", "state", "flow"] as const;
export type RunSort = (typeof RUN_SORTS)[number];
export const TYPE_SORTS = ["load", "rate", "name"] as const;
export type TypeSort = (typeof TYPE_SORTS)[number];

export interface TopView {
  readonly width: number;
  /** Lines there are; undefined: as many as it takes. */
  readonly height?: number;
  readonly color: boolean;
  readonly runSort: RunSort;
  readonly typeSort: TypeSort;
  /** Why what is shown is not new. */
  readonly problem?: string;
  /** The last line. */
  readonly footer?: string;
}

/** A lag above this is one that people should see, seconds. */
const LONG_LAG_SECONDS = 10;
/** With fewer lines than these the blank ones between sections are left out. */
const SMALL_ROOM = 32;

interface Section {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Rows that it has before others get more, and its part of what is left over then. */
  readonly share: number;
}

export function topLines(overview: Overview, view: TopView): string[] {
  const { width, height, color } = view;
  const head = headLines(overview, view);
  const foot = view.footer === undefined ? [] : [styled(cut(view.footer, width), "dim", color)];
  const sections = [
    runSection(overview, view),
    typeSection(overview, view),
    partitionSection(overview),
    streamSection(overview),
  ];
  const room = height === undefined ? undefined : height - head.length - foot.length;
  const body = layOut(sections, room, view);
  const filler = room === undefined ? 0 : Math.max(0, room - body.length);
  const lines = [...head, ...body, ...Array.from({ length: filler }, () => ""), ...foot];
  return height === undefined ? lines : lines.slice(0, height);
}

function headLines(overview: Overview, { width, color, problem }: TopView): string[] {
  const { server, runs, at, orchestrators, partitions, types } = overview;
  const time = at.slice(11, 19);
  const first = cut(
    `rayflow top  ${server.url}  nats-server ${server.version}  ${server.rtt_ms} ms`,
    width - time.length - 1,
  );
  const states = Object.entries(runs.by_state).map(([state, count]) => `${count} ${state}`);
  const rest = runs.live - runs.looked_at;
  const live = `runs  ${runs.live} live${states.length === 0 ? "" : ` (${[...states, ...(rest > 0 ? [`${rest} more`] : [])].join(", ")})`}`;
  const rates = [
    `${rate(runs.started_per_second)} started`,
    `${rate(runs.succeeded_per_second)} succeeded`,
    `${rate(runs.failed_per_second)} failed`,
    `${rate(runs.cancelled_per_second)} cancelled`,
  ].join("  ");
  const owned = partitions.filter(({ owner }) => owner !== null).length;
  const unserved = types.filter((type) => isUnserved(type)).length;
  const services = [
    `${orchestrators.length} orchestrator${orchestrators.length === 1 ? "" : "s"} with ${owned} of ${partitions.length} partitions`,
    ...(unserved === 0 ? [] : [`${unserved} node type${unserved === 1 ? "" : "s"} with work and nobody to do it`]),
  ].join("; ");
  const alarm = owned < partitions.length || unserved > 0;
  return [
    styled(cut(`${first}${" ".repeat(Math.max(1, width - first.length - time.length))}${time}`, width), "bold", color),
    cut(live, width),
    cut(`/s    ${rates}`, width),
    alarm ? styled(cut(services, width), "yellow", color) : cut(services, width),
    ...(problem === undefined ? [] : [styled(cut(problem, width), "red", color)]),
  ];
}

function runSection({ runs }: Overview, { runSort }: TopView): Section {
  const order: Record<RunSort, (a: Active, b: Active) => number> = {
    age: (a, b) => b.age_seconds - a.age_seconds,
    new: (a, b) => a.age_seconds - b.age_seconds,
    state: (a, b) => compare(a.status, b.status) || b.age_seconds - a.age_seconds,
    flow: (a, b) => compare(a.flow, b.flow) || b.age_seconds - a.age_seconds,
  };
  return {
    title: `RUNS by ${runSort}`,
    columns: [
      { title: "run", width: 12 },
      { title: "flow", width: 18 },
      { title: "state", width: 10 },
      { title: "age", width: 7, align: "right" },
      { title: "at", width: 10, grows: true },
    ],
    rows: [...runs.active]
      .sort(order[runSort])
      .map(({ run_id, flow, status, age_seconds, waits_for }) => [
        run_id,
        flow,
        { text: status, style: STATE_STYLES[status] ?? "green" },
        span(age_seconds),
        waits_for.map(placeOf).join(", "),
      ]),
    share: 4,
  };
}

type Active = Overview["runs"]["active"][number];

const STATE_STYLES: Readonly<Record<string, Style>> = { waiting: "cyan", paused: "yellow", cancelling: "yellow" };

/** Where a run stands, in a few words. */
function placeOf(wait: WaitsFor): string {
  if (wait.kind === "resume") return "paused by hand";
  const at = wait.scope === "" ? wait.node : `${wait.node} @ ${wait.scope}`;
  switch (wait.kind) {
    case "actor":
      return `${at} (${wait.type}${wait.attempt > 1 ? `, attempt ${wait.attempt}` : ""})`;
    case "timer":
      return `${at} until ${wait.until.slice(11, 19)}`;
    case "retry":
      return `${at}, attempt ${wait.attempt} at ${wait.until.slice(11, 19)}`;
    case "signal":
      return `${at}: signal ${wait.signal}`;
    case "child":
      return `${at}: run ${wait.run_id.slice(0, 12)}`;
    case "held":
      return `${at}: held`;
    case "incident":
      return `${at}: ${wait.error.code}`;
  }
}

function typeSection({ types }: Overview, { typeSort }: TopView): Section {
  const load = ({ pending, in_flight }: TypeOverview): number => pending + in_flight;
  const order: Record<TypeSort, (a: TypeOverview, b: TypeOverview) => number> = {
    load: (a, b) => load(b) - load(a) || (b.messages_per_second ?? 0) - (a.messages_per_second ?? 0),
    rate: (a, b) => (b.messages_per_second ?? 0) - (a.messages_per_second ?? 0),
    name: () => 0,
  };
  return {
    title: `NODE TYPES by ${typeSort}`,
    columns: [
      { title: "type", width: 20, grows: true },
      { title: "actors", width: 6, align: "right" },
      { title: "pending", width: 8, align: "right" },
      { title: "in flight", width: 9, align: "right" },
      { title: "redelivered", width: 11, align: "right" },
      { title: "msg/s", width: 9, align: "right" },
    ],
    rows: [...types]
      .sort((a, b) => order[typeSort](a, b) || compare(a.type, b.type))
      .map((type) => [
        isUnserved(type) ? { text: type.type, style: "red" } : type.type,
        type.actors === null ? "?" : String(type.actors),
        String(type.pending),
        String(type.in_flight),
        type.redelivered > 0 ? { text: String(type.redelivered), style: "yellow" } : "0",
        rate(type.messages_per_second),
      ]),
    share: 3,
  };
}

/** Work waits, and nobody asks for any. */
function isUnserved({ pending, pulls, in_flight }: TypeOverview): boolean {
  return pending > 0 && pulls === 0 && in_flight === 0;
}

function partitionSection({ partitions }: Overview): Section {
  const urgency = (one: PartitionOverview): number => (one.owner === null ? 1e9 : one.lag_seconds);
  return {
    title: "PARTITIONS",
    columns: [
      { title: "n", width: 4, align: "right" },
      { title: "owner", width: 20, grows: true },
      { title: "behind", width: 9, align: "right" },
      { title: "for", width: 8, align: "right" },
      { title: "checkpoint", width: 10, align: "right" },
    ],
    rows: [...partitions]
      .sort((a, b) => urgency(b) - urgency(a) || a.partition - b.partition)
      .map(({ partition, owner, lag_messages, lag_seconds, checkpoint_age_seconds }) => [
        String(partition),
        owner ?? { text: "nobody", style: "red" },
        String(lag_messages),
        lag_seconds > LONG_LAG_SECONDS ? { text: span(lag_seconds), style: "red" } : span(lag_seconds),
        checkpoint_age_seconds === null ? "none" : span(checkpoint_age_seconds),
      ]),
    share: 2,
  };
}

function streamSection({ streams }: Overview): Section {
  return {
    title: "STREAMS",
    columns: [
      { title: "stream", width: 16, grows: true },
      { title: "messages", width: 12, align: "right" },
      { title: "size", width: 10, align: "right" },
      { title: "limit", width: 10, align: "right" },
      { title: "msg/s", width: 9, align: "right" },
    ],
    rows: [...streams]
      .sort((a, b) => b.bytes - a.bytes)
      .map(({ name, messages, bytes, max_bytes, messages_per_second }) => [
        name,
        String(messages),
        size(bytes),
        max_bytes < 0 ? "none" : size(max_bytes),
        rate(messages_per_second),
      ]),
    share: 1,
  };
}

/** Gives each section its rows: its least first, then by its share what is left; one that needs less leaves it to others. */
function layOut(sections: readonly Section[], room: number | undefined, view: TopView): string[] {
  const wanted = sections.map(({ rows }) => Math.max(1, rows.length));
  const spaced = room === undefined || room >= SMALL_ROOM;
  const frame = sections.length * (spaced ? 3 : 2);
  const given = sections.map(({ share }, at) => Math.min(wanted[at] ?? 0, share));
  let left = room === undefined ? Number.POSITIVE_INFINITY : room - frame - given.reduce((sum, rows) => sum + rows, 0);
  while (left > 0) {
    const hungry = sections
      .map((section, at) => ({ section, at }))
      .filter(({ at }) => (given[at] ?? 0) < (wanted[at] ?? 0));
    if (hungry.length === 0) break;
    for (const { section, at } of hungry) {
      const more = Math.min(section.share, (wanted[at] ?? 0) - (given[at] ?? 0), left);
      given[at] = (given[at] ?? 0) + more;
      left -= more;
    }
  }
  const lines = sections.flatMap((section, at) => sectionLines(section, given[at] ?? 0, spaced, view));
  return room === undefined ? lines : lines.slice(0, Math.max(0, room));
}

function sectionLines({ title, columns, rows }: Section, room: number, spaced: boolean, view: TopView): string[] {
  const { width, color } = view;
  const hidden = rows.length - room;
  const heading = `${title}${hidden > 0 ? ` (${room} of ${rows.length})` : ""}`;
  const shown = rows.length === 0 ? [["none"]] : rows.slice(0, room);
  const lines = [styled(cut(heading, width), "bold", color), ...columnLines(columns, shown, { width, color })];
  return spaced ? ["", ...lines] : lines;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `0`, `0.4`, `12.0`, `1204`. */
export function rate(perSecond: number | null): string {
  if (perSecond === null) return "-";
  if (perSecond === 0) return "0";
  return perSecond < 100 ? perSecond.toFixed(1) : String(Math.round(perSecond));
}

/** `4.2s`, `3m05s`, `2h10m`, `5d3h`. */
export function span(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  const whole = Math.round(seconds);
  const pad = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m${pad(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3_600)}h${pad(Math.floor((whole % 3_600) / 60))}m`;
  return `${Math.floor(whole / 86_400)}d${Math.floor((whole % 86_400) / 3_600)}h`;
}

/** `512 B`, `1.5 KiB`, `20.0 MiB`. */
export function size(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
