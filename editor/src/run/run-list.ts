/** Asks for the list of runs again and again while somebody looks at it. */
import { useEffect, useState } from "react";
import type { RunStanding, RunSummary } from "../api/answers.ts";
import { api } from "../stores/gateway.ts";

interface RunListQuery {
  readonly flow: string | undefined;
  readonly status: RunStanding | undefined;
  readonly sinceSeconds: number | undefined;
}

interface RunList {
  /** Undefined until the first answer. */
  readonly runs: readonly RunSummary[] | undefined;
  readonly problem: string | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
}

const PAGE = 50;
const MOST = 1_000;
const EVERY_MS = 2_000;

/** What is listed now stays in sight until the next answer is there. */
export function useRunList({ flow, status, sinceSeconds }: RunListQuery): RunList {
  const [limit, setLimit] = useState(PAGE);
  const [answer, setAnswer] = useState<{ runs: readonly RunSummary[]; more: boolean }>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const ask = async (): Promise<void> => {
      const since = sinceSeconds === undefined ? undefined : new Date(Date.now() - sinceSeconds * 1000).toISOString();
      try {
        const page = await api.runs({ flow, status, since, limit }, { signal: abort.signal });
        setAnswer({ runs: page.runs, more: page.cursor !== null && limit < MOST });
        setProblem(undefined);
      } catch (error) {
        if (abort.signal.aborted) return;
        setProblem(error instanceof Error ? error.message : String(error));
      }
      timer = setTimeout(ask, EVERY_MS);
    };
    // A name is typed letter by letter.
    timer = setTimeout(ask, flow === undefined ? 0 : 200);
    return () => {
      abort.abort(new DOMException("the list was closed", "AbortError"));
      clearTimeout(timer);
    };
  }, [flow, status, sinceSeconds, limit]);
  return {
    runs: answer?.runs,
    problem,
    more: answer?.more === true,
    loadMore: () => setLimit((before) => Math.min(MOST, before * 2)),
  };
}
