/** Keys as people write them, and whether a press is them. */

const isMac = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);

/** What the main modifier is called here, for tooltips. */
export const modKey = isMac ? "⌘" : "Ctrl+";

/** `Mod+Shift+Z` for people. */
export function writtenKeys(keys: string): string {
  return keys.replace("Mod+", modKey);
}

/** Whether the event is this combination: `Mod+S`, `Shift+F`, `?`, `Delete`. */
export function isPressed(keys: string, event: KeyboardEvent): boolean {
  const parts = keys.split("+");
  const key = keys.endsWith("+") ? "+" : (parts.at(-1) ?? "");
  const wants = new Set(parts.slice(0, -1));
  if (wants.has("Mod") !== (isMac ? event.metaKey : event.ctrlKey)) return false;
  if (wants.has("Alt") !== event.altKey) return false;
  // `?` and `+` need Shift on most keyboards: there it belongs to the key.
  const isLetter = /^[a-z]$/i.test(key) || key.length > 1;
  if (isLetter && wants.has("Shift") !== event.shiftKey) return false;
  return event.key.toLowerCase() === key.toLowerCase();
}

/** Whether the press goes into a text: then it is no shortcut. */
export function isTyping(event: Event): boolean {
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
