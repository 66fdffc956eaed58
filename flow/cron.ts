/**
 * When a cron expression is due, in a time zone.
 *
 * Clocks that change: a fixed hour that the clock skips is due when it has skipped, one that it shows twice is due the
 * first time; an expression that leaves the hour open (`*`) follows real time, through both.
 */
import { RayflowError } from "./errors.ts";

export interface Cron {
  readonly timezone: string;
  /** The first time that is due after the given one, ms since 1970; undefined when it never is. */
  next(afterMs: number): number | undefined;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Clocks change at such times only. */
const QUARTER = 15 * MINUTE;
/** From one 29 February to the next, at the longest. */
const HORIZON = 9 * 366 * DAY;

const NAMED: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *",
};
const MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split(" ");

interface Field {
  readonly values: ReadonlySet<number>;
  /** Written with a star first: it asks for nothing in particular. */
  readonly open: boolean;
}

interface Pattern {
  readonly second: Field;
  readonly minute: Field;
  readonly hour: Field;
  readonly day: Field;
  readonly month: Field;
  readonly weekday: Field;
}

/**
 * Reads `minute hour day month weekday`, with a field for seconds before them if wanted, or `@hourly` and the like.
 * @throws ValidationError
 */
export function parseCron(expression: string, timezone = "UTC"): Cron {
  const offset = offsets(timezone);
  const pattern = parsePattern(expression);
  return { timezone, next: (afterMs) => findNext(pattern, offset, afterMs) };
}

function parsePattern(expression: string): Pattern {
  const text = expression.trim();
  const fields = (NAMED[text.toLowerCase()] ?? text).split(/\s+/);
  if (fields.length === 5) fields.unshift("0");
  if (fields.length !== 6) {
    throw invalid(expression, "it has five fields (minute hour day month weekday), or six with the second first");
  }
  const [second = "", minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  const field = (source: string, what: string, low: number, high: number, names: readonly string[] = []) =>
    parseField(source, { expression, what, low, high, names });
  const days = field(weekday, "weekday", 0, 7, WEEKDAYS);
  return {
    second: field(second, "second", 0, 59),
    minute: field(minute, "minute", 0, 59),
    hour: field(hour, "hour", 0, 23),
    day: field(day, "day", 1, 31),
    month: field(month, "month", 1, 12, MONTHS),
    weekday: { ...days, values: new Set([...days.values].map((value) => value % 7)) },
  };
}

interface FieldRange {
  readonly expression: string;
  readonly what: string;
  readonly low: number;
  readonly high: number;
  readonly names: readonly string[];
}

function parseField(source: string, range: FieldRange): Field {
  const values = new Set<number>();
  for (const part of source.split(",")) {
    const [, star, from, to, step] = /^(?:([*?])|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(part) ?? [];
    const every = step === undefined ? 1 : Number(step);
    if ((star === undefined && from === undefined) || every < 1) throw outOfRange(range, part);
    const first = from === undefined ? range.low : readValue(from, range);
    let last = star === undefined && step === undefined ? first : range.high;
    if (to !== undefined) last = readValue(to, range, first);
    if (last < first) throw outOfRange(range, part);
    for (let value = first; value <= last; value += every) values.add(value);
  }
  return { values, open: /^[*?]/.test(source) };
}

/** `first`: where the range began, so that in `FRI-SUN` Sunday is the seventh day. */
function readValue(text: string, range: FieldRange, first = 0): number {
  const named = range.names.indexOf(text.toUpperCase());
  let value = named >= 0 ? named + (range.what === "month" ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : -1;
  if (range.what === "weekday" && value === 0 && first > 0) value = 7;
  if (value < range.low || value > range.high) throw outOfRange(range, text);
  return value;
}

function outOfRange({ expression, what, low, high }: FieldRange, part: string): RayflowError {
  return invalid(expression, `the ${what} "${part}" is not within ${low} to ${high}`);
}

function invalid(expression: string, why: string): RayflowError {
  return new RayflowError("ValidationError", `no cron expression: ${JSON.stringify(expression.slice(0, 100))}: ${why}`);
}

function findNext(pattern: Pattern, offset: (ms: number) => number, afterMs: number): number | undefined {
  let at = Math.floor(afterMs / SECOND) * SECOND + SECOND;
  const end = at + HORIZON;
  let before = offset(at - SECOND);
  while (at <= end) {
    const shift = offset(at);
    if (shift > before && !pattern.hour.open && isSkipped(pattern, at + before, at + shift)) return at;
    const wait = untilMatch(pattern, at + shift);
    if (wait === 0 && !isSecondShowing(pattern, offset, at, shift)) return at;
    const next = at + Math.max(wait, SECOND);
    // Where the clock changes on the way, go there in steps that cannot pass the change.
    at = offset(next) === shift ? next : Math.min(next, Math.floor(at / QUARTER) * QUARTER + QUARTER);
    before = shift;
  }
  return undefined;
}

/** 0 when the wall clock's time (as if it were UTC) fits; else how far on it may be looked at again. */
function untilMatch(pattern: Pattern, wall: number): number {
  const date = new Date(wall);
  if (!isDay(pattern, date)) return DAY - (wall % DAY);
  if (!pattern.hour.values.has(date.getUTCHours())) return HOUR - (wall % HOUR);
  if (!pattern.minute.values.has(date.getUTCMinutes())) return MINUTE - (wall % MINUTE);
  return pattern.second.values.has(date.getUTCSeconds()) ? 0 : SECOND;
}

/** As cron always did: where both the day and the weekday are given, either will do. */
function isDay({ month, day, weekday }: Pattern, date: Date): boolean {
  if (!month.values.has(date.getUTCMonth() + 1)) return false;
  const byDay = day.values.has(date.getUTCDate());
  const byWeekday = weekday.values.has(date.getUTCDay());
  return day.open || weekday.open ? byDay && byWeekday : byDay || byWeekday;
}

/** Whether the wall clock has shown this time before: it was set back within the last hours. */
function isSecondShowing(pattern: Pattern, offset: (ms: number) => number, at: number, shift: number): boolean {
  if (pattern.hour.open) return false;
  const before = offset(at - 3 * HOUR);
  return before > shift && offset(at - (before - shift)) === before;
}

/** Whether a time is due that the wall clock passes over. */
function isSkipped(pattern: Pattern, fromWall: number, toWall: number): boolean {
  for (let wall = fromWall; wall < toWall; ) {
    const wait = untilMatch(pattern, wall);
    if (wait === 0) return true;
    wall += wait;
  }
  return false;
}

/** What the zone's clocks are ahead of UTC, ms. */
function offsets(timezone: string): (ms: number) => number {
  if (timezone === "UTC") return () => 0;
  let format: Intl.DateTimeFormat;
  try {
    const numeric = "numeric";
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      hourCycle: "h23",
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    });
  } catch (cause) {
    throw new RayflowError("ValidationError", `no time zone: ${JSON.stringify(timezone)}; one is "Europe/Berlin"`, {
      cause,
    });
  }
  return (ms) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] =
      format.format(ms).match(/\d+/g)?.map(Number) ?? [];
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / SECOND) * SECOND;
  };
}
