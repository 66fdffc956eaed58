/** The colours of pins and wires by type, as CSS variables that styles/theme.css defines. */
import type { PinType } from "../../../flow/index.ts";

export function pinColor(kind: "exec" | "data", type: PinType | undefined): string {
  return kind === "exec" ? "var(--pin-exec)" : `var(--pin-${type?.type ?? "any"})`;
}

const CATEGORIES = new Set("start return base control logic math string data variables io".split(" "));

/** A category of the user's own gets one of six hues by its name. */
export function categoryColor(category: string): string {
  if (CATEGORIES.has(category)) return `var(--category-${category})`;
  let hash = 0;
  for (const letter of category) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return `var(--category-own-${hash % 6})`;
}
