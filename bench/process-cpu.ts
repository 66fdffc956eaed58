/** Processor time and memory of processes, as Linux tells of them in /proc. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

let ticks: number | undefined;

/** Ticks a second in /proc/<pid>/stat; 100 on every machine seen so far. */
function ticksPerSecond(): number {
  if (ticks !== undefined) return ticks;
  try {
    ticks = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })) || 100;
  } catch {
    ticks = 100;
  }
  return ticks;
}

/** User and system ticks in the text of a `stat` file. */
export function ticksIn(stat: string): number {
  // The name in parentheses may hold anything; utime and stime are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/**
 * Processor time that a process, all threads together, has used so far, seconds. NaN where there is no /proc.
 * From the scheduler's own counts where the kernel keeps them (nanoseconds), else in ticks of 10 ms.
 */
export function cpuSeconds(pid: number): number {
  return scheduledSeconds(pid) ?? tickedSeconds(pid);
}

/** Of all threads that live: neither Node nor Go ends one while it has work. */
function scheduledSeconds(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const nanos = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]));
    const sum = nanos.reduce((all, one) => all + one, 0);
    return sum > 0 ? sum / 1e9 : undefined;
  } catch {
    return undefined;
  }
}

function tickedSeconds(pid: number): number {
  try {
    return ticksIn(readFileSync(`/proc/${pid}/stat`, "utf8")) / ticksPerSecond();
  } catch {
    return Number.NaN;
  }
}

/** Resident memory, bytes. NaN where there is no /proc. */
export function residentBytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
  } catch {
    return Number.NaN;
  }
}

export type CpuByProcess = Readonly<Record<string, number>>;

/** Of each named group of processes. */
export function readCpu(pids: Readonly<Record<string, readonly number[]>>): CpuByProcess {
  return Object.fromEntries(
    Object.entries(pids).map(([name, of]) => [name, of.reduce((sum, pid) => sum + cpuSeconds(pid), 0)]),
  );
}

/** Microseconds of each process for each of `steps`. */
export function cpuPerStep(before: CpuByProcess, after: CpuByProcess, steps: number): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, seconds]) => [name, ((seconds - (before[name] ?? 0)) * 1e6) / steps]),
  );
}
