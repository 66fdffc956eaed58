/**
 * Runs a flat statechart (no nested, parallel or history states, no delays, no invocations) as XState does, for a
 * fraction of its cost: XState makes a snapshot for each step and an actor for each run, and that was nine tenths of
 * what folding a message took. What a chart means is XState's to say; a property test holds the two together.
 *
 * R1. Of the transitions that an event or `always` offers, the first whose guard holds is taken; none: nothing happens.
 * R2. Its actions come before the entry action of its target; a transition without a target leaves the state alone.
 * R3. After each event `always` is asked until it offers nothing more, or a final state is reached.
 */

export interface ChartTransition<S extends string, G extends string, A extends string> {
  readonly guard?: G;
  readonly target?: S;
  readonly actions?: A | readonly A[];
}

type Offer<S extends string, G extends string, A extends string> =
  | ChartTransition<S, G, A>
  | readonly ChartTransition<S, G, A>[];

export interface ChartState<S extends string, G extends string, A extends string, E extends string> {
  readonly type?: "final";
  readonly entry?: A;
  readonly always?: Offer<S, G, A>;
  readonly on?: { readonly [event in E]?: Offer<S, G, A> };
}

/** A statechart in XState's words. */
export interface Chart<S extends string, G extends string, A extends string, E extends string> {
  readonly initial: S;
  readonly states: { readonly [state in S]: ChartState<S, G, A, E> };
}

/** What the names in a chart stand for. */
export interface ChartParts<C, Ev, G extends string, A extends string> {
  readonly guards: { readonly [guard in G]: (context: C, event: Ev) => boolean };
  readonly actions: { readonly [action in A]: (context: C, event: Ev) => void };
}

interface Transition<C, Ev, S extends string> {
  readonly guard: ((context: C, event: Ev) => boolean) | undefined;
  readonly actions: readonly ((context: C, event: Ev) => void)[];
  readonly target: State<C, Ev, S> | undefined;
}

interface State<C, Ev, S extends string> {
  readonly name: S;
  readonly final: boolean;
  readonly entry: ((context: C, event: Ev) => void) | undefined;
  always: readonly Transition<C, Ev, S>[];
  on: ReadonlyMap<string, readonly Transition<C, Ev, S>[]>;
}

export type CompiledChart<C, Ev, S extends string> = ReadonlyMap<S, State<C, Ev, S>>;

const NOTHING: readonly never[] = [];

/** Looks every name of a chart up, once for all that run on it. */
export function compileChart<C, Ev, S extends string, G extends string, A extends string, E extends string>(
  chart: Chart<S, G, A, E>,
  parts: ChartParts<C, Ev, G, A>,
): CompiledChart<C, Ev, S> {
  const compiled = new Map<S, State<C, Ev, S>>();
  const names = Object.keys(chart.states) as S[];
  for (const name of names) {
    const { type, entry } = chart.states[name];
    const state: State<C, Ev, S> = {
      name,
      final: type === "final",
      entry: entry && parts.actions[entry],
      always: NOTHING,
      on: new Map(),
    };
    compiled.set(name, state);
  }
  const compile = (offer: Offer<S, G, A> | undefined): readonly Transition<C, Ev, S>[] =>
    listed<ChartTransition<S, G, A>>(offer).map(({ guard, target, actions }) => ({
      guard: guard && parts.guards[guard],
      actions: listed<A>(actions).map((action) => parts.actions[action]),
      target: target && compiled.get(target),
    }));
  for (const [name, state] of compiled) {
    const { always, on } = chart.states[name];
    state.always = compile(always);
    state.on = new Map(Object.entries<Offer<S, G, A> | undefined>(on ?? {}).map(([event, to]) => [event, compile(to)]));
  }
  return compiled;
}

function listed<T>(one: T | readonly T[] | undefined): readonly T[] {
  if (one === undefined) return NOTHING;
  return Array.isArray(one) ? one : [one as T];
}

/** One thing that goes through a chart. Its actions change `context` in place. */
export class ChartRunner<C, Ev extends { readonly type: string }, S extends string> {
  readonly #context: C;
  #state: State<C, Ev, S>;

  /** Begins in `at`, without its entry action. */
  constructor(chart: CompiledChart<C, Ev, S>, context: C, at: S) {
    const state = chart.get(at);
    if (!state) throw new RangeError(`the chart has no state ${at}`);
    this.#context = context;
    this.#state = state;
  }

  get state(): S {
    return this.#state.name;
  }

  /** Whether it is in a final state: it takes no more events. */
  get done(): boolean {
    return this.#state.final;
  }

  /** Takes an event. What an action throws comes out; the context is then as the action left it. */
  send(event: Ev): void {
    const offered = this.#state.on.get(event.type);
    if (offered !== undefined) this.#takeFirst(offered, event);
    while (!this.#state.final && this.#takeFirst(this.#state.always, event));
  }

  #takeFirst(offered: readonly Transition<C, Ev, S>[], event: Ev): boolean {
    for (const { guard, actions, target } of offered) {
      if (guard !== undefined && !guard(this.#context, event)) continue;
      for (const action of actions) action(this.#context, event);
      // To the state that it is in: it does not leave it, so it does not enter it again.
      if (target !== undefined && target !== this.#state) {
        this.#state = target;
        target.entry?.(this.#context, event);
      }
      return true;
    }
    return false;
  }
}
