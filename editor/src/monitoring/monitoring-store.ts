/** What the monitoring page knows: the last overview, the deliberations that are shown in full, the last messages. */
import { create } from "zustand";
import type {
  AgentStream,
  DeliberationDetail,
  MonitoringOverview,
  PassedMessage,
  TestCase,
} from "../api/monitoring.ts";

interface MonitoringState {
  readonly overview: MonitoringOverview | undefined;
  /** Why the last look failed. */
  readonly problem: string | undefined;
  readonly wantsToken: boolean;
  /** Whether messages come in. */
  readonly isLive: boolean;
  readonly details: Readonly<Record<string, DeliberationDetail>>;
  /** The one that somebody chose. */
  readonly chosen: string | undefined;
  /** The last ones, the newest first. */
  readonly messages: readonly PassedMessage[];
  readonly isPaused: boolean;
  readonly filter: string;
  readonly withTokens: boolean;
  readonly testCases: readonly TestCase[];
}

const MAX_MESSAGES = 300;
/** Live deliberations that are shown in full at once. */
const MAX_SHOWN = 6;

export const useMonitoring = create<MonitoringState>(() => ({
  overview: undefined,
  problem: undefined,
  wantsToken: false,
  isLive: false,
  details: {},
  chosen: undefined,
  messages: [],
  isPaused: false,
  filter: "",
  withTokens: false,
  testCases: [],
}));

export const changeMonitoring = useMonitoring.setState;

/** The deliberations that are shown in full: the chosen one, and those that go on. */
export function shownIds({ overview, chosen }: Pick<MonitoringState, "overview" | "chosen">): string[] {
  const live = (overview?.deliberations ?? []).filter(({ status }) => status === "running");
  const first = chosen ?? (live.length === 0 ? overview?.deliberations[0]?.deliberation_id : undefined);
  const ids = [...(first === undefined ? [] : [first]), ...live.map(({ deliberation_id }) => deliberation_id)];
  return [...new Set(ids)].slice(0, MAX_SHOWN);
}

export function putDetail(detail: DeliberationDetail): void {
  changeMonitoring(({ details, overview }) => {
    const shown = new Set(shownIds({ overview, chosen: useMonitoring.getState().chosen }));
    const kept = Object.entries(details).filter(([id]) => shown.has(id));
    const known = details[detail.deliberation_id];
    return { details: { ...Object.fromEntries(kept), [detail.deliberation_id]: withLaterTokens(detail, known) } };
  });
}

/** What streamed in while the answer was on its way is not taken back. */
function withLaterTokens(detail: DeliberationDetail, known: DeliberationDetail | undefined): DeliberationDetail {
  const agents = detail.agents.map((agent) => {
    const before = known?.agents.find(({ agent_id, round }) => agent_id === agent.agent_id && round === agent.round);
    const isLater = before?.attempt === agent.attempt && before.seq > agent.seq && agent.state === "streaming";
    return isLater && before !== undefined ? before : agent;
  });
  return { ...detail, agents };
}

export function putMessage(message: PassedMessage): void {
  const token = tokenIn(message);
  if (token !== undefined) putToken(token);
  changeMonitoring(({ messages, isPaused }) =>
    isPaused ? {} : { messages: [message, ...messages].slice(0, MAX_MESSAGES) },
  );
}

interface Token {
  readonly deliberation_id: string;
  readonly agent_id: string;
  readonly round: number;
  readonly attempt: number;
  readonly seq: number;
  readonly token: string;
}

function tokenIn({ subject, data }: PassedMessage): Token | undefined {
  if (!subject.startsWith("vllm.streaming.") || typeof data !== "object" || data === null) return undefined;
  const { event_type, token } = data as { event_type?: unknown; token?: unknown };
  return event_type === "vllm.stream.token" && typeof token === "string" ? (data as Token) : undefined;
}

/** Puts a token where it belongs; behind a gap the text waits for the next look at the whole. */
export function putToken({ deliberation_id, agent_id, round, attempt, seq, token }: Token): void {
  changeMonitoring(({ details }) => {
    const detail = details[deliberation_id];
    const known = detail?.agents.find((one) => one.agent_id === agent_id && one.round === round);
    if (detail === undefined || (known === undefined && seq > 1)) return {};
    if (known !== undefined && (known.state !== "streaming" || known.attempt > attempt)) return {};
    const isNext = known === undefined || known.attempt < attempt || seq === known.seq + 1;
    if (!isNext) return {};
    const text = known?.attempt === attempt ? known.text + token : token;
    const stream: AgentStream = { agent_id, round, attempt, seq, text, state: "streaming", score: null, error: null };
    const agents =
      known === undefined ? [...detail.agents, stream] : detail.agents.map((one) => (one === known ? stream : one));
    return { details: { ...details, [deliberation_id]: { ...detail, agents } } };
  });
}
