/** Brings a run's log, entry by entry, from the server to the frames that are shown. */
import { ApiError } from "../api/request.ts";
import { api } from "../stores/gateway.ts";
import { type ShownRun, showNews, useRun } from "./run-store.ts";

/** How long the server may take to know a run that it has taken, ms. */
const NEW_MS = 30_000;

let following: AbortController | undefined;

/** Follows a run until it has ended or another one is followed. `onSubmitted`: its first entry has come. */
export async function followRun(
  shown: ShownRun,
  { onSubmitted, onEnd }: { readonly onSubmitted?: () => void; readonly onEnd?: () => void },
): Promise<void> {
  stopFollowing();
  const mine = new AbortController();
  following = mine;
  const isShown = (): boolean => following === mine && useRun.getState().shown === shown;
  let drawing = false;
  const draw = (): void => {
    drawing = false;
    if (isShown()) showNews();
  };
  try {
    for await (const news of api.events(shown.runId, { signal: mine.signal, newForMs: NEW_MS })) {
      if (!isShown()) return;
      if (news.kind === "entry") {
        const first = shown.frames.submitted === undefined;
        shown.frames.append(news.entry);
        if (first && shown.frames.submitted) onSubmitted?.();
        // Entries come in bursts: they are drawn together.
        if (!drawing) {
          drawing = true;
          soon(draw);
        }
      } else if (news.kind === "end") {
        shown.frames.end(news.result);
        draw();
        useRun.setState({ link: "ended", linkProblem: undefined });
        onEnd?.();
      } else {
        const linkProblem = news.kind === "lost" ? news.error.message : undefined;
        useRun.setState({ link: news.kind, linkProblem });
      }
    }
  } catch (error) {
    if (mine.signal.aborted || !isShown()) return;
    const linkProblem = error instanceof ApiError ? error.message : String(error);
    useRun.setState({ link: "failed", linkProblem });
  }
}

export function stopFollowing(): void {
  following?.abort(new DOMException("another run is looked at", "AbortError"));
  following = undefined;
}

/** With the next picture; a page that is not seen draws none. */
function soon(draw: () => void): void {
  if (document.visibilityState === "visible") requestAnimationFrame(draw);
  else setTimeout(draw, 50);
}
