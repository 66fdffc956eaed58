/**
 * A run through XState's own machine, with what XState's inspection protocol tells of it: in the shape that Stately's
 * inspector reads. For who looks at a run; the orchestrator folds without it.
 *
 * I1. It goes the same way as `startMachine`: the same chart, guards and actions, on the same state.
 * I2. What is told holds a view of the run, not the run: the state itself changes on and is no JSON.
 * I3. Its times are the log's: the same log gives the same events, however often it is folded.
 */
import { createActor, type InspectionEvent } from "xstate";
import type { StartMachine } from "./fold.ts";
import { type RunEventIn, type RunMachineState, runChart } from "./machine.ts";
import type { Activation, ActivationState, RunState } from "./run-state.ts";
import { xstateMachine } from "./xstate-machine.ts";

/** Version of Stately's format for inspection events. */
const FORMAT_VERSION = "0.7.2";
const MAX_NODES = 200;

interface Told {
  /** The run. */
  readonly sessionId: string;
  readonly rootId: string;
  /** Milliseconds since 1970 by the log's clock, as Stately writes it. */
  readonly createdAt: string;
  readonly id: null;
  readonly _version: string;
}

/** Where the machine stands, with a view of the run as its context. */
export interface InspectedSnapshot {
  readonly status: "active" | "done" | "error" | "stopped";
  readonly value: RunMachineState;
  readonly context: RunView;
}

/** What is shown of a run's state. */
export interface RunView {
  readonly run: string;
  readonly flow: string;
  /** Of the message that was folded last. */
  readonly seq: number;
  /** State of each activation that has been reached, by `node` or `node@scope`; the last 200. */
  readonly nodes: Readonly<Record<string, ActivationState>>;
  /** How many more there are. */
  readonly more_nodes: number;
  readonly in_flight: readonly string[];
  /** When each timer fires, ISO 8601. */
  readonly timers: Readonly<Record<string, string>>;
  /** What the guards ask about. */
  readonly starting: boolean;
  readonly held_by_hand: boolean;
  readonly incidents: number;
  readonly held: readonly string[];
  readonly breakpoints: readonly string[];
  readonly outcome: string | null;
}

/** An event of the inspection protocol. */
export type RunInspection =
  | (Told & {
      readonly type: "@xstate.actor";
      readonly name: string;
      /** The chart, as JSON text. */
      readonly definition: string;
      readonly parentId: undefined;
      readonly snapshot: InspectedSnapshot;
    })
  | (Told & {
      readonly type: "@xstate.event";
      readonly event: RunEventIn | { readonly type: string };
      readonly sourceId: undefined;
    })
  | (Told & {
      readonly type: "@xstate.snapshot";
      readonly event: RunEventIn | { readonly type: string };
      readonly snapshot: InspectedSnapshot;
    });

/** Gives a run a machine that tells `inspect` of every event and of where it leads. */
export function inspectedMachine(inspect: (event: RunInspection) => void): StartMachine {
  return (run, at = runChart.initial) => {
    const machine = xstateMachine();
    let failure: unknown;
    const actor = createActor(machine, {
      id: run.id,
      snapshot: machine.resolveState({ value: at, context: { run } }),
      input: { run },
      inspect: (event) => {
        const told = toldOf(run, event);
        if (told) inspect(told);
      },
    });
    // What an action throws comes out of `send`, as it does of the machine that the orchestrator uses.
    actor.subscribe({ error: (error) => (failure = error) });
    actor.start();
    return {
      get state() {
        return actor.getSnapshot().value;
      },
      get done() {
        return actor.getSnapshot().status !== "active";
      },
      send: (event: RunEventIn) => {
        actor.send(event);
        if (failure !== undefined) throw failure;
      },
    };
  };
}

function toldOf(run: RunState, event: InspectionEvent): RunInspection | undefined {
  const told: Told = {
    sessionId: run.id,
    rootId: run.id,
    createdAt: String(run.now),
    id: null,
    _version: FORMAT_VERSION,
  };
  switch (event.type) {
    case "@xstate.actor": {
      const { type } = event;
      const snapshot = { status: "active", value: runChart.initial, context: viewOf(run) } as const;
      return { ...told, type, name: run.graph.name, definition: DEFINITION, parentId: undefined, snapshot };
    }
    case "@xstate.event":
      // It is told before it is taken: its own time is the newer one.
      return { ...told, ...timeOf(event.event), type: event.type, event: shown(event.event), sourceId: undefined };
    case "@xstate.snapshot": {
      const { status, value } = event.snapshot as unknown as Pick<InspectedSnapshot, "status" | "value">;
      return {
        ...told,
        type: event.type,
        event: shown(event.event),
        snapshot: { status, value, context: viewOf(run) },
      };
    }
    default:
      return undefined;
  }
}

/** XState's first event hands the machine the run itself: that is not for showing (I2). */
function shown(event: { readonly type: string }): { readonly type: string } {
  return event.type === "xstate.init" ? { type: event.type } : event;
}

function timeOf(event: { readonly type: string; readonly time?: number }): { readonly createdAt?: string } {
  return event.time === undefined ? {} : { createdAt: String(event.time) };
}

const DEFINITION = JSON.stringify({ id: "run", ...runChart });

function viewOf(run: RunState): RunView {
  const reached: Activation[] = [];
  for (const { activations } of run.scopes.values()) {
    for (const activation of activations.values()) if (activation.state !== "idle") reached.push(activation);
  }
  const { debug, outcome } = run;
  return {
    run: run.id,
    flow: run.graph.name,
    seq: run.seq,
    nodes: Object.fromEntries(reached.slice(-MAX_NODES).map((activation) => [placeOf(activation), activation.state])),
    more_nodes: Math.max(0, reached.length - MAX_NODES),
    in_flight: [...run.inFlight.keys()],
    timers: Object.fromEntries([...run.timers].map(([id, { at }]) => [id, new Date(at).toISOString()])),
    starting: run.starting,
    held_by_hand: run.heldByHand,
    incidents: run.incidents,
    held: (debug?.held ?? []).flatMap(({ activation }) => (activation.state === "held" ? [placeOf(activation)] : [])),
    breakpoints: [...(debug?.breakpoints ?? [])],
    outcome: outcome === undefined ? null : outcome.status,
  };
}

function placeOf({ node, scope }: Activation): string {
  return scope === "" ? node : `${node}@${scope}`;
}
