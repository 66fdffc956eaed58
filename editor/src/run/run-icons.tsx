/** The pictures on the buttons of a run; decoration, so every button has a name of its own. */
const paths = {
  play: "M5 3.5v9l7.5-4.5z",
  pause: "M4.5 3.5h2.5v9H4.5zM9 3.5h2.5v9H9z",
  stop: "M4 4h8v8H4z",
  first: "M3.5 3.5H5v9H3.5zM12.5 3.5v9L6 8z",
  last: "M11 3.5h1.5v9H11zM3.5 3.5v9L10 8z",
  back: "M11 3.5v9L4.5 8z",
  forth: "M5 3.5v9L11.5 8z",
  step: "M3 4v8l6-4zM10.5 4H12v8h-1.5z",
  bug: "M8 1.8a2.6 2.6 0 0 0-2.5 2H4.2L3 2.6l-.9.9 1.3 1.3A4 4 0 0 0 3.2 6H1.5v1.3h1.7v1.4H1.5V10h1.7c0 .5.1 1 .3 1.4l-1.4 1.3.9.9 1.2-1.1a4.6 4.6 0 0 0 7.6 0l1.2 1.1.9-.9-1.4-1.3c.2-.4.3-.9.3-1.4h1.7V8.7h-1.7V7.3h1.7V6h-1.7c0-.4-.1-.8-.2-1.2l1.3-1.3-.9-.9-1.2 1.2h-1.3A2.6 2.6 0 0 0 8 1.8z",
  history:
    "M8 2.2A5.8 5.8 0 0 0 3 5.1V3H1.7v4.3H6V6H4.1A4.5 4.5 0 1 1 3.5 8H2.2A5.8 5.8 0 1 0 8 2.2zM7.4 5v3.4l2.7 1.6.6-1-2-1.2V5z",
  close: "M4.2 3.3 8 7.1l3.8-3.8.9.9L8.9 8l3.8 3.8-.9.9L8 8.9l-3.8 3.8-.9-.9L7.1 8 3.3 4.2z",
  retry: "M8 3a5 5 0 1 0 4.9 6h-1.4A3.7 3.7 0 1 1 8 4.3c1 0 1.9.4 2.6 1L8.8 7.2H13V3l-1.5 1.5A5 5 0 0 0 8 3z",
  signal:
    "M8 6.6a1.4 1.4 0 1 0 0 2.8 1.4 1.4 0 0 0 0-2.8zM4.7 4.7l-.9-.9a6 6 0 0 0 0 8.4l.9-.9a4.7 4.7 0 0 1 0-6.6zm6.6 0 .9-.9a6 6 0 0 1 0 8.4l-.9-.9a4.7 4.7 0 0 0 0-6.6z",
  trace: "M2 3h7v2H2zm3 4h6v2H5zm4 4h5v2H9z",
  check: "M6.5 11.6 3 8.1l1-1 2.5 2.5 5.5-5.5 1 1z",
  cross: "M4.5 3.5 8 7l3.5-3.5 1 1L9 8l3.5 3.5-1 1L8 9l-3.5 3.5-1-1L7 8 3.5 4.5z",
  clock:
    "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zm0 1.3a4.7 4.7 0 1 1 0 9.4 4.7 4.7 0 0 1 0-9.4zM7.4 5v3.4l2.7 1.6.6-1-2-1.2V5z",
  skip: "M3 7.3h7.5L8 4.8l.9-.9L13 8l-4.1 4.1-.9-.9 2.5-2.5H3z",
} as const;

export type RunIconName = keyof typeof paths;

export function RunIcon({ name }: { readonly name: RunIconName }) {
  return (
    <svg className="run-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="currentColor" />
    </svg>
  );
}
