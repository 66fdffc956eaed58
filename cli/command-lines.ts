/** Lines that somebody types, or that another program pipes in, while other lines are printed. */
import readline from "node:readline";

export interface CommandLines extends Disposable {
  /** Whether a person sits there. */
  readonly interactive: boolean;
  /** The next line; undefined at the end of the input, or when the person presses Ctrl-C. */
  next(): Promise<string | undefined>;
  /** Ctrl-C was pressed. */
  readonly interrupted: boolean;
  /** Says in the prompt where things stand. */
  setPrompt(text: string): void;
  /** Prints without tearing what is being typed apart. */
  around(print: () => void): void;
}

/** Reads standard input. `complete`: words that Tab offers. */
export function openCommandLines(complete: () => readonly string[]): CommandLines {
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true;
  const reader = readline.createInterface({
    input: process.stdin,
    ...(interactive ? { output: process.stderr, terminal: true } : { terminal: false }),
    completer: (line: string): [string[], string] => {
      const word = /\S*$/.exec(line)?.[0] ?? "";
      return [complete().filter((known) => known.startsWith(word)), word];
    },
  });
  const lines: string[] = [];
  let waiting: ((line: string | undefined) => void) | undefined;
  let ended = false;
  let interrupted = false;
  const hand = (line: string | undefined): boolean => {
    const take = waiting;
    waiting = undefined;
    take?.(line);
    return take !== undefined;
  };
  reader.on("line", (line) => {
    if (!hand(line)) lines.push(line);
  });
  reader.on("close", () => {
    ended = true;
    hand(undefined);
  });
  reader.on("SIGINT", () => {
    interrupted = true;
    reader.close();
  });
  return {
    interactive,
    get interrupted() {
      return interrupted;
    },
    next: () =>
      new Promise((resolve) => {
        const line = interrupted ? undefined : lines.shift();
        if (line !== undefined || ended) return resolve(line);
        waiting = resolve;
        if (interactive) reader.prompt();
      }),
    setPrompt: (text) => {
      if (reader.getPrompt() === text) return;
      reader.setPrompt(text);
      if (interactive && waiting !== undefined && !ended) reader.prompt(true);
    },
    around: (print) => {
      const asks = interactive && waiting !== undefined && !ended;
      if (asks) {
        readline.cursorTo(process.stderr, 0);
        readline.clearLine(process.stderr, 0);
      }
      print();
      if (asks) reader.prompt(true);
    },
    [Symbol.dispose]: () => {
      reader.close();
      process.stdin.pause();
    },
  };
}
