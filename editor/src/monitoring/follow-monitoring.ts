/** Keeps the page's knowledge fresh while it is looked at: an overview every two seconds, messages as they pass. */
import { createMonitoringClient } from "../api/monitoring.ts";
import { ApiError } from "../api/request.ts";
import { useSettings } from "../stores/settings-store.ts";
import { changeMonitoring, putDetail, putMessage, shownIds, useMonitoring } from "./monitoring-store.ts";

export const monitoring = createMonitoringClient({ token: () => useSettings.getState().token });

const LOOK_MS = 2_000;

/** Until the function that it gives is called. */
export function followMonitoring(): () => void {
  const closing = new AbortController();
  const { signal } = closing;
  void lookAgain(signal);
  void listen(signal);
  void monitoring.testCases(signal).then(({ test_cases }) => changeMonitoring({ testCases: test_cases }), ignore);
  return () => closing.abort();
}

/** Looks at once, as after a choice. */
export async function look(signal?: AbortSignal): Promise<void> {
  try {
    const overview = await monitoring.overview(signal);
    changeMonitoring({ overview, problem: undefined, wantsToken: false });
    const { details } = useMonitoring.getState();
    const ids = shownIds(useMonitoring.getState()).filter((id) => {
      const shown = details[id];
      const listed = overview.deliberations.find(({ deliberation_id }) => deliberation_id === id);
      return shown === undefined || shown.status === "running" || shown.status !== (listed?.status ?? shown.status);
    });
    await Promise.all(ids.map((id) => monitoring.deliberation(id, signal).then(putDetail, ignore)));
  } catch (error) {
    if (signal?.aborted) return;
    const wantsToken = error instanceof ApiError && error.status === 401;
    changeMonitoring({ problem: error instanceof Error ? error.message : String(error), wantsToken });
  }
}

async function lookAgain(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    // Nobody looks at a hidden tab.
    if (document.visibilityState === "visible") await look(signal);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function listen(signal: AbortSignal): Promise<void> {
  for await (const news of monitoring.messages(signal)) {
    if (news.kind === "message") putMessage(news.message);
    else changeMonitoring({ isLive: news.kind === "open" });
  }
}

function ignore(): void {}
