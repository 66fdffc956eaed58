/** One simulation: a seed decides on the runs, the faults and every moment of both. */
import { GraphCache } from "../graph-cache.ts";
import { foldRun } from "../run/fold.ts";
import { Actors } from "./testing-actors.ts";
import { Clients } from "./testing-clients.ts";
import { Cluster } from "./testing-cluster.ts";
import { drawFaults, type FaultProfile } from "./testing-faults.ts";
import { noSabotage, type Sabotage, sabotageFold } from "./testing-sabotage.ts";
import { VirtualTime } from "./testing-time.ts";
import { Watch } from "./testing-watch.ts";
import { World } from "./testing-world.ts";

export interface SimulationOptions {
  /** Keeps the trace as lines. Default false. */
  readonly trace?: boolean;
  readonly sabotage?: Sabotage;
  /** Faults with a probability of their own. Default: all as the seed says. */
  readonly faults?: Partial<FaultProfile>;
  /** A snapshot may arrive when its run has ended and been forgotten: a weakness that is known. Default false. */
  readonly lateSnapshots?: boolean;
}

export interface SimulationReport {
  readonly seed: number;
  /** Empty when all is well. */
  readonly violations: readonly string[];
  /** Of everything that happened: the same for the same seed. */
  readonly hash: string;
  readonly steps: number;
  readonly runs: number;
  readonly messages: number;
  /** Faults that struck, by kind. */
  readonly faults: ReadonlyMap<keyof FaultProfile, number>;
  readonly trace: readonly string[];
}

const graphs = new GraphCache();
/** Once the faults are over, runs must end within this; virtual ms. A sleep or a retry may take a minute. */
const HEALED_MS = 900_000;
const MAX_STEPS = 100_000;

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<SimulationReport> {
  const time = new VirtualTime(seed, options.trace ?? false);
  const world = new World(time, { ...drawFaults(time), ...options.faults }, options.lateSnapshots ?? false);
  // It would end the process: in the service as here.
  const onUnhandled = (error: unknown): void =>
    world.violated(`a promise failed that nobody waits for: ${describe(error)}`);
  process.on("unhandledRejection", onUnhandled);
  const restore = sabotageFold(options.sabotage ?? noSabotage);
  try {
    return await play(seed, world, options);
  } finally {
    restore();
    process.off("unhandledRejection", onUnhandled);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.stack} ${String(error.cause ?? "")}` : String(error);
}

async function play(seed: number, world: World, options: SimulationOptions): Promise<SimulationReport> {
  const { time } = world;
  const watch = new Watch(world, graphs);
  const around = {
    world,
    graphs,
    sabotage: options.sabotage ?? noSabotage,
  };
  const cluster = new Cluster(around);
  new Actors(world);
  const clients = new Clients(world, watch);
  clients.submit(1 + time.below(4));
  cluster.start();
  time.after(10_000 + time.below(40_000), () => {
    time.note("the world heals");
    world.faults.active = false;
    cluster.heal();
    clients.operate();
  });
  const wrong = (): boolean => world.violations.length > 0;
  const over = (): boolean => clients.runs.every((id) => watch.runs.has(id)) && watch.allSettled;
  const ended = await time.run(() => wrong() || over(), { elapsedMs: HEALED_MS, steps: MAX_STEPS });
  if (!ended) world.violated(`hangs: ${hanging(watch, clients)}`);
  // A child run may have come late: all of it must hold at once.
  const left = (): boolean =>
    over() && cluster.members.every((members) => members.some((one) => !one.gone && isAtRest(one)));
  if (!wrong() && !(await time.run(() => wrong() || left(), { elapsedMs: 2 * HEALED_MS, steps: 2 * MAX_STEPS }))) {
    world.violated(`not at rest: ${restless(cluster)}`);
  }
  if (!wrong()) foldAgain(watch, world);
  return {
    seed,
    violations: world.violations,
    hash: time.hash,
    steps: time.steps,
    runs: watch.runs.size,
    messages: world.log.stored.length,
    faults: world.faults.counts,
    trace: time.lines,
  };
}

/** Nothing in memory and nothing on its way. It may be that it waits for a message that has been trimmed meanwhile. */
function isAtRest({ gone, driver }: Cluster["members"][number][number]): boolean {
  return gone || (driver !== undefined && driver.activeRuns === 0 && driver.emitter.openCount === 0);
}

function restless(cluster: Cluster): string {
  const found = cluster.members.flat().filter((one) => !isAtRest(one));
  return found
    .map(({ process, driver }) => {
      const runs = [...(driver?.runs ?? [])].map((run) => run.id).join(" ");
      const { live, activeRuns, emitter } = driver ?? {};
      return `${process.name}, ${live ? "live" : "not live"}, ${activeRuns} runs (in memory: ${runs}), ${emitter?.openCount} open publishes`;
    })
    .join("; ");
}

function hanging(watch: Watch, clients: Clients): string {
  const stuck = [...new Set([...clients.runs, ...watch.runs.keys()])].flatMap((id) => {
    const watched = watch.runs.get(id);
    if (!watched) return [`${id} is not in the log`];
    if (watched.settled) return [];
    const waits = [...watched.run.details.inFlight.keys(), ...watched.run.details.timers.keys()].slice(0, 4);
    return [`${id} is ${watched.run.state}${watched.finished ? ", not settled" : ""}, waits for ${waits.join(" ")}`];
  });
  return stuck.join("; ");
}

/** The whole log from scratch gives what the live runs came to. */
function foldAgain(watch: Watch, world: World): void {
  for (const [id, { entries, partition, finished }] of watch.runs) {
    const result = foldRun(id, partition, entries).result;
    if (JSON.stringify(result) !== finished)
      world.violated(`${id} folds to ${JSON.stringify(result)}, not ${finished}`);
  }
}
