/**
 * A session of `rayflow debug`: follows a run, says where it is held and with what, and does what it is told.
 *
 * D1. Whoever pipes commands in is not faster than the run: each waits until the run is held again, or has ended.
 * D2. Leaving changes nothing: the run stays as it is.
 */
import { RayflowError } from "../flow/index.ts";
import type { RunDescription, RunStanding, StepNode } from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { type CommandLines, openCommandLines } from "./command-lines.ts";
import { DEBUG_HELP, type DebugCommand, parseDebugCommand } from "./debug-commands.ts";
import { type Output, styled } from "./output.ts";
import { freshInputs, nodePrinter } from "./run-progress.ts";
import { waitLine } from "./run-report.ts";
import type { RunsAt } from "./runs-connection.ts";

export interface DebugSessionOptions {
  readonly open: RunsAt;
  readonly run: string;
  readonly output: Output;
  /** Where lines for people go. */
  readonly print: (line: string) => void;
  /** Prints values whole. Default false. */
  readonly full?: boolean;
  /** With it everything is told as JSON, a value for each thing, and nothing is printed. */
  readonly json?: ((value: unknown) => void) | undefined;
  /** Leaves when it aborts. */
  readonly signal: AbortSignal;
}

export type DebugEnd =
  | { readonly kind: "ended"; readonly result: RunResult }
  /** `interrupted`: by Ctrl-C or a signal. */
  | { readonly kind: "left"; readonly interrupted: boolean };

/** Until the run has ended, or the user leaves. @throws RunNotFound, ConnectionFailed */
export async function debugRun(options: DebugSessionOptions): Promise<DebugEnd> {
  const { open, run } = options;
  const [first, folder] = await Promise.all([open.directory.describe(run), open.directory.current(run)]);
  const nodes = [...(folder?.run?.details.graph.nodes.values() ?? [])].filter(({ pure }) => !pure);
  using lines = openCommandLines(() => nodes.map(({ id }) => id));
  return await new DebugSession(options, first, lines).toEnd();
}

class DebugSession {
  readonly #options: DebugSessionOptions;
  readonly #first: RunDescription;
  readonly #lines: CommandLines;
  readonly #leave = new AbortController();
  /** Aborts when the user leaves, however. */
  readonly #left: AbortSignal;
  #status: RunStanding;
  /** Sequence of the last news. */
  #seen: number;
  /** Sequence of the last command that was given. */
  #commanded = 0;
  #result: RunResult | undefined;
  readonly #fresh: (node: StepNode) => StepNode;
  readonly #waiting: (() => void)[] = [];

  constructor(options: DebugSessionOptions, first: RunDescription, lines: CommandLines) {
    this.#options = options;
    this.#first = first;
    this.#lines = lines;
    this.#status = first.status;
    this.#fresh = freshInputs(first.held);
    this.#seen = first.at.seq;
    this.#left = AbortSignal.any([options.signal, this.#leave.signal]);
    this.#left.addEventListener("abort", () => this.#moved());
  }

  async toEnd(): Promise<DebugEnd> {
    const advice = this.#lines.interactive ? ["? lists the commands"] : [];
    this.#say(this.#first, () => [...standing(this.#first), ...advice]);
    this.#moved();
    const following = this.#follow();
    following.catch(() => {});
    try {
      await Promise.race([following, this.#listen()]);
    } finally {
      this.#leave.abort();
    }
    await following;
    if (this.#result) return { kind: "ended", result: this.#result };
    return { kind: "left", interrupted: this.#lines.interrupted || this.#options.signal.aborted };
  }

  async #follow(): Promise<void> {
    const { open, run, output, json } = this.#options;
    const print = nodePrinter(output, {
      values: true,
      full: this.#options.full === true,
      print: (line) => this.#print(line),
    });
    for await (const news of open.directory.watch(run, { signal: this.#left, values: true })) {
      if (news.kind === "ended") this.#result = news.result;
      else if (news.seq > this.#first.at.seq) {
        this.#status = news.status;
        this.#seen = news.seq;
        this.#prompt();
        if (json) json(news);
        else print(news.nodes.map((node) => this.#fresh(node)));
      }
      this.#moved();
    }
  }

  async #listen(): Promise<void> {
    let last: "step" | "continue" | undefined;
    while (!this.#isOver) {
      const line = await this.#lines.next();
      if (!this.#lines.interactive) await this.#until(() => this.#seen >= this.#commanded && this.#status === "paused");
      if (line === undefined || this.#isOver) return;
      const command = parseDebugCommand(line, last);
      if (command?.type === "step" || command?.type === "continue") last = command.type;
      try {
        if (command) await this.#obey(command);
      } catch (error) {
        if (!(error instanceof RayflowError) || error.code === "ConnectionFailed") throw error;
        this.#say({ kind: "error", error: error.toInfo() }, () => [`${error.code}: ${error.message}`]);
      }
    }
  }

  async #obey(command: DebugCommand): Promise<void> {
    const { control, directory } = this.#options.open;
    const { run } = this.#options;
    switch (command.type) {
      case "step":
      case "continue":
        this.#commanded = (await control[command.type](run)).seq;
        return this.#until(() => this.#seen >= this.#commanded);
      case "break":
        return this.#toggle(command.nodes);
      case "inputs":
        return this.#showInputs(command.node);
      case "variables":
        return this.#showVariables();
      case "where": {
        const now = await directory.describe(run);
        return this.#say(now, () => standing(now));
      }
      case "help":
        return this.#say({ kind: "help", commands: DEBUG_HELP }, () => DEBUG_HELP);
      case "quit":
        return this.#leave.abort();
      case "unknown":
        throw new RayflowError("UsageError", `there is no command ${JSON.stringify(command.text)}; ? lists them`);
    }
  }

  async #toggle(nodes: readonly string[]): Promise<void> {
    const { open, run } = this.#options;
    let { breakpoints } = await open.directory.describe(run);
    if (nodes.length > 0) {
      const kept = breakpoints.filter((id) => !nodes.includes(id));
      const added = nodes.filter((id) => !breakpoints.includes(id));
      const receipt = await open.control.breakpoints(run, [...kept, ...added]);
      breakpoints = [...receipt.nodes];
      this.#commanded = receipt.seq;
      await this.#until(() => this.#seen >= receipt.seq);
    }
    this.#say({ kind: "breakpoints", nodes: breakpoints }, () => [`breakpoints: ${breakpoints.join(", ") || "none"}`]);
  }

  async #showInputs(node: string | undefined): Promise<void> {
    const { open, run } = this.#options;
    const now = await open.directory.describe(run);
    const held = now.held.filter((one) => node === undefined || one.node === node);
    this.#say({ kind: "held", held }, () => {
      if (held.length === 0) return [node === undefined ? "nothing is held" : `${node} is not held`];
      return held.flatMap((one) => [placeOf(one), ...JSON.stringify(one.inputs, null, 2).split("\n")]);
    });
  }

  async #showVariables(): Promise<void> {
    const { open, run } = this.#options;
    const { VariableStore } = await import("../store/index.ts");
    const store = await VariableStore.open(open.nc);
    const owners = [{ scope: "run", run }, { scope: "flow", flow: this.#first.flow }, { scope: "global" }] as const;
    const found = await Promise.all(owners.map(async (owner) => [owner.scope, await store.listAll(owner)] as const));
    this.#say({ kind: "variables", ...Object.fromEntries(found) }, () => {
      const rows = found.flatMap(([scope, values]) =>
        Object.entries(values).map(([name, value]) => `${scope.padEnd(6)} ${name} = ${JSON.stringify(value)}`),
      );
      return rows.length === 0 ? ["no variables"] : rows;
    });
  }

  get #isOver(): boolean {
    return this.#result !== undefined || this.#left.aborted;
  }

  /** Resolves when it is so, or when there is nothing to wait for any more. */
  async #until(reached: () => boolean): Promise<void> {
    while (!reached() && !this.#isOver) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #prompt(): void {
    this.#lines.setPrompt(styled(`${this.#status}> `, "dim", this.#options.output.color));
  }

  #moved(): void {
    this.#prompt();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #say(value: unknown, text: () => readonly string[]): void {
    if (this.#options.json) this.#options.json(value);
    else for (const line of text()) this.#print(line);
  }

  #print(line: string): void {
    this.#lines.around(() => this.#options.print(line));
  }
}

function placeOf({ node, scope, attempt }: RunDescription["held"][number]): string {
  return `${node}${scope === "" ? "" : ` @ ${scope}`}${attempt > 1 ? ` (attempt ${attempt})` : ""}`;
}

function standing(run: RunDescription): string[] {
  const waits = run.waits_for.filter(({ kind }) => kind !== "held").map((wait) => `waits for ${waitLine(wait)}`);
  const held = run.held.flatMap((one) => [
    `◆ held at ${placeOf(one)} (${one.type})`,
    ...Object.entries(one.inputs).map(([pin, value]) => `    in  ${pin} = ${JSON.stringify(value)}`),
  ]);
  const breakpoints = run.breakpoints.length === 0 ? "no breakpoints" : `breakpoints ${run.breakpoints.join(", ")}`;
  return [`run ${run.run_id} of ${run.flow}: ${run.status}; ${breakpoints}`, ...held, ...waits];
}
