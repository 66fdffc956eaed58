/** The run machine's statechart as a document: a diagram and tables, read off XState's own machine of it. */

/** What the names in the chart mean. One that is missing here, or is in no chart any more, is an error. */
const GUARDS = {
  draining: "it has succeeded, the flow says `drain: await`, and work is in flight",
  succeeded: "a RETURN was reached",
  failed: "an error ended the run",
  noIncident: "no failed node waits for somebody",
  nothingLeft: "all that was held has been cancelled meanwhile, and nothing else holds the run",
  halted: "a failed node waits for somebody, or an activation is held at a breakpoint",
  idle: "nothing is in flight",
  retryLeadsOn: "the message is a retry, and nobody holds the run",
  graceOver: "the message is the timer of the cancellation (10 s)",
};
const ACTIONS = {
  stamp: "takes the message's time and sequence",
  begin: "starts the first node",
  apply: "folds the message into the run: a node's result, a timer, a signal, a child's end, a control",
  hold: "no node starts from here on, because somebody said so",
  letGo: "takes that back",
  aim: "step: whatever becomes ready next is held; continue, resume: it is not",
  holdStarts: "no node starts from here on",
  release: "lets go what was held, and starts what is ready",
  cancel: "tells running node code to stop; the outcome is `RunCancelled`",
  finish: "appends the `finished` message, once; stops what is in flight, drops the timers",
};

/** @param {{ root: { states: Record<string, any>, initial: { target: { key: string }[] } } }} machine from `xstateMachine()` */
export function statechartText(machine) {
  const states = Object.values(machine.root.states);
  const [initial] = machine.root.initial.target;
  const moves = states.flatMap((state) => movesOf(state));
  assertDescribed(GUARDS, new Set(moves.flatMap(({ guard }) => guard ?? [])), "guard");
  const entries = states.flatMap((state) => state.entry.map(nameOf));
  assertDescribed(ACTIONS, new Set([...moves.flatMap(({ actions }) => actions), ...entries]), "action");
  return [
    "# The run machine",
    "",
    "Written by `npm run docs:statechart` from `orchestrator/run/machine.ts`: do not edit.",
    "",
    "A run goes through this statechart. Its events are the messages of the run's log: `begin` (the submission), `message` (results, timers,",
    "signals, ends of child runs, retries, breakpoints) and the controls that are named. What stands before a slash in brackets is the guard, behind it",
    "stand the actions. A transition without an event is taken as soon as its guard holds. Of several the first whose guard holds is taken, in the order of",
    "the table. To follow a run through it: [observability.md](observability.md#debugging).",
    "",
    "```mermaid",
    ...diagram(initial.key, states, moves),
    "```",
    "",
    "## Transitions",
    "",
    "| from | event | if | does | to |",
    "| --- | --- | --- | --- | --- |",
    ...moves.map(
      ({ from, event, guard, actions, to }) =>
        `| ${from} | ${event ?? "*at once*"} | ${guard ?? ""} | ${actions.join(", ")} | ${to === undefined || to === from ? "*stays*" : to} |`,
    ),
    ...states
      .filter((state) => state.entry.length > 0)
      .map((state) => `| ${state.key} | *on entry* | | ${state.entry.map(nameOf).join(", ")} | |`),
    "",
    "## Guards",
    "",
    ...meanings(GUARDS),
    "",
    "## Actions",
    "",
    ...meanings(ACTIONS),
    "",
  ].join("\n");
}

function movesOf(state) {
  const moves = (state.always ?? []).map((transition) => moveOf(state, undefined, transition));
  for (const [event, transitions] of state.transitions) {
    moves.push(...transitions.map((transition) => moveOf(state, event, transition)));
  }
  return moves;
}

function moveOf(state, event, transition) {
  return {
    from: state.key,
    event,
    guard: transition.guard === undefined ? undefined : nameOf(transition.guard),
    actions: transition.actions.map(nameOf),
    to: transition.target?.[0]?.key,
  };
}

function nameOf(part) {
  return typeof part === "string" ? part : part.type;
}

/** What leads from one state to the same other one is one arrow; what stays is in the tables alone. */
function diagram(initial, states, moves) {
  const arrows = new Map();
  for (const { from, to, event, guard, actions } of moves) {
    if (to === undefined || to === from) continue;
    const key = `${from} --> ${to}`;
    const label = [event, guard && `[${guard}]`].filter(Boolean).join(" ");
    const does = actions.length === 0 ? "" : ` / ${actions.join(", ")}`;
    arrows.set(key, [...(arrows.get(key) ?? []), { label, does }]);
  }
  return [
    "stateDiagram-v2",
    `    [*] --> ${initial}`,
    ...[...arrows].map(([arrow, all]) => `    ${arrow}: ${labelOf(all)}`),
    ...states.filter((state) => state.type === "final").map((state) => `    ${state.key} --> [*]`),
  ];
}

/** Events that do the same stand together. */
function labelOf(all) {
  const byEffect = new Map();
  for (const { label, does } of all) byEffect.set(does, [...(byEffect.get(does) ?? []), label]);
  return [...byEffect].map(([does, labels]) => `${labels.join(", ")}${does}`).join("<br/>");
}

function meanings(table) {
  return ["| name | means |", "| --- | --- |", ...Object.entries(table).map(([name, text]) => `| ${name} | ${text} |`)];
}

function assertDescribed(table, used, what) {
  for (const name of used) if (table[name] === undefined) throw new Error(`the ${what} ${name} is not described`);
  for (const name of Object.keys(table)) if (!used.has(name)) throw new Error(`no chart has a ${what} ${name}`);
}
