/**
 * The whole terminal for a view that is drawn again and again.
 *
 * S1. The terminal is as it was when the screen is closed, also when the process ends some other way.
 * S2. Only lines that have changed are written, all of them at once: nothing flickers.
 */
import type { ReadStream, WriteStream } from "node:tty";

export interface Screen extends Disposable {
  readonly width: number;
  readonly height: number;
  /** Shows these lines; what does not fit below is cut off. */
  draw(lines: readonly string[]): void;
}

export interface ScreenEvents {
  /** A key: its character, or `ctrl-c`. */
  readonly onKey: (key: string) => void;
  /** The terminal has another size: everything is to be drawn again. */
  readonly onResize: () => void;
}

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?25h\u001b[?1049l";
/** Terminals that know it show nothing of what is between until the end; others ignore it. */
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";
const CLEAR_REST_OF_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export function openScreen(input: ReadStream, output: WriteStream, { onKey, onResize }: ScreenEvents): Screen {
  let shown: string[] = [];
  let open = false;
  const enter = (): void => {
    open = true;
    shown = [];
    input.setRawMode(true);
    output.write(ENTER);
  };
  const leave = (): void => {
    if (!open) return;
    open = false;
    output.write(LEAVE);
    input.setRawMode(false);
  };
  const resized = (): void => {
    shown = [];
    output.write("\u001b[2J");
    onResize();
  };
  // Raw mode hands over what would stop the process: it is stopped all the same, with its terminal given back.
  const suspend = (): void => {
    leave();
    process.once("SIGCONT", () => {
      enter();
      onResize();
    });
    process.kill(process.pid, "SIGTSTP");
  };
  const typed = (data: Buffer): void => {
    for (const key of data.toString("utf8")) {
      if (key === "\u0003") onKey("ctrl-c");
      else if (key === "\u001a") suspend();
      else onKey(key);
    }
  };
  enter();
  input.on("data", typed);
  input.resume();
  output.on("resize", resized);
  process.once("exit", leave);
  return {
    get width() {
      return output.columns || 80;
    },
    get height() {
      return output.rows || 24;
    },
    draw: (lines) => {
      if (!open) return;
      const fitting = lines.slice(0, output.rows || 24);
      let frame = "";
      for (const [at, line] of fitting.entries()) {
        if (line !== shown[at]) frame += `\u001b[${at + 1};1H${line}${CLEAR_REST_OF_LINE}`;
      }
      if (shown.length > fitting.length) frame += `\u001b[${fitting.length + 1};1H${CLEAR_BELOW}`;
      shown = [...fitting];
      if (frame !== "") output.write(`${BEGIN_FRAME}${frame}${END_FRAME}`);
    },
    [Symbol.dispose]: () => {
      input.off("data", typed);
      input.pause();
      output.off("resize", resized);
      process.off("exit", leave);
      leave();
    },
  };
}
