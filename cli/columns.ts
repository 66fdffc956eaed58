/** Text in columns of a fixed width, for a terminal. */
import stringWidth from "string-width";
import { type Style, styled } from "./output.ts";

export interface Column {
  readonly title: string;
  /** Least width. What is left of the line goes to the column that grows. */
  readonly width: number;
  readonly align?: "left" | "right";
  readonly grows?: boolean;
}

/** Text, or text in a style. */
export type Cell = string | { readonly text: string; readonly style: Style };

/** A heading and rows, each exactly so wide or less; `color` false: without styles. */
export function columnLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  { width, color }: { readonly width: number; readonly color: boolean },
): string[] {
  const fixed = columns.reduce((sum, column) => sum + column.width, 0) + columns.length - 1;
  const widths = columns.map((column) =>
    column.grows ? Math.max(column.width, column.width + width - fixed) : column.width,
  );
  const line = (cells: readonly Cell[], all?: Style): string => {
    let room = width;
    const parts: string[] = [];
    for (const [at, column] of columns.entries()) {
      const cell = cells[at] ?? "";
      const { text, style } = typeof cell === "string" ? { text: cell, style: undefined } : cell;
      const last = at === columns.length - 1;
      const own = Math.min(widths[at] ?? 0, room);
      if (own <= 0) break;
      const shown = fitted(text, own, column.align ?? "left", last && column.align !== "right");
      const chosen = all ?? style;
      parts.push(chosen === undefined ? shown : styled(shown, chosen, color));
      room -= own + 1;
    }
    return parts.join(" ");
  };
  return [
    line(
      columns.map(({ title }) => title),
      "dim",
    ),
    ...rows.map((row) => line(row)),
  ];
}

/** Cuts text to a width, with … for what is missing; names that others chose must not steer the terminal. */
export function cut(text: string, width: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not pass
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "·");
  if (stringWidth(plain) <= width) return plain;
  let kept = "";
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(plain)) {
    const wide = stringWidth(segment);
    if (used + wide > width - 1) break;
    kept += segment;
    used += wide;
  }
  return width > 0 ? `${kept}…` : "";
}

function fitted(text: string, width: number, align: "left" | "right", bare: boolean): string {
  const shown = cut(text, width);
  if (bare) return shown;
  const gap = " ".repeat(Math.max(0, width - stringWidth(shown)));
  return align === "left" ? shown + gap : gap + shown;
}
