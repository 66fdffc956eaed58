/** The bars of a run's nodes over time. Only the rows in sight are drawn, so that ten thousand are as good as ten. */
import {
  type CSSProperties,
  type KeyboardEvent,
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import { useNodeViews } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { isLive, pick, useRun } from "./run-store.ts";
import { formatSeconds, scopeText, stateNames } from "./run-text.ts";
import { type Bar, waterfallOf } from "./waterfall.ts";

const ROW = 22;
const MARGIN_ROWS = 8;
const TICK_MS = 250;

export function WaterfallView() {
  const { bars, span } = useWaterfall();
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState({ top: 0, height: 200 });
  const selected = useView((view) => view.selectedNodes);
  const picked = useRun((run) => run.picked);
  const cursor = useRun(({ shown }) => shown?.cursor);
  const look = useCallback((): void => {
    const { scrollTop = 0, clientHeight = 0 } = box.current ?? {};
    setSeen({ top: scrollTop, height: clientHeight });
  }, []);
  useEffect(() => {
    const shown = box.current;
    if (!shown) return;
    const watcher = new ResizeObserver(look);
    watcher.observe(shown);
    return () => watcher.disconnect();
  }, [look]);
  useScrollToSelected(box, bars, selected);
  const first = Math.max(0, Math.floor(seen.top / ROW) - MARGIN_ROWS);
  const rows = bars.slice(first, first + Math.ceil(seen.height / ROW) + 2 * MARGIN_ROWS);
  const isChosen = (bar: Bar): boolean =>
    selected.has(bar.node) && bar.activation === (picked.get(bar.node) ?? cursor?.node(bar.node)?.latest.key);
  const active = selected.size === 0 ? -1 : bars.findIndex(isChosen);
  const choose = (bar: Bar | undefined): void => {
    if (!bar) return;
    pick(bar.node, bar.activation);
    useView.getState().select([bar.node], []);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const from = bars.findIndex(isChosen);
    choose(bars[Math.max(0, Math.min(bars.length - 1, from + by))]);
  };
  return (
    <div className="run-waterfall-frame">
      <Scale span={span} />
      <div
        ref={box}
        className="run-waterfall"
        role="listbox"
        aria-label="Node times"
        tabIndex={0}
        onScroll={look}
        onKeyDown={onKeyDown}
        aria-activedescendant={active >= 0 ? `run-bar-${active}` : undefined}
      >
        <div style={{ height: bars.length * ROW, position: "relative" }}>
          {rows.map((bar, at) => (
            <Row key={bar.key} bar={bar} at={first + at} span={span} selected={isChosen(bar)} onChoose={choose} />
          ))}
        </div>
      </div>
    </div>
  );
}

function useWaterfall() {
  // Behind the canvas by a picture or two while much happens: the canvas goes first.
  const revision = useDeferredValue(useRun((run) => run.revision));
  const isGrowing = useRun((run) => run.following && isLive(run.status));
  const tick = useTick(isGrowing);
  const shown = useRun((run) => run.shown);
  return useMemo(() => {
    const began = shown?.frames.frames[0]?.timeMs;
    if (!shown || began === undefined || revision < 0) return { bars: [], span: 0 };
    const { frame } = shown.cursor;
    // Nothing happens between the end and its being written down.
    const last = frame?.kind === "finished" ? shown.frames.frames[frame.index - 1] : frame;
    const at = last?.timeMs ?? began;
    // What goes on reaches to now, as far as this clock and the server's agree.
    return waterfallOf(shown.cursor, began, isGrowing && tick > 0 ? Math.max(at, Date.now()) : at);
  }, [revision, shown, isGrowing, tick]);
}

/** Counts up while something is to be drawn again and again. */
function useTick(active: boolean): number {
  const [tick, setTick] = useState(0);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setTick((count) => count + 1), TICK_MS);
    return () => clearInterval(timer);
  }, [active]);
  return tick;
}

function useScrollToSelected(
  box: { readonly current: HTMLDivElement | null },
  bars: readonly Bar[],
  selected: ReadonlySet<string>,
): void {
  const latest = useRef(bars);
  latest.current = bars;
  useEffect(() => {
    const at = latest.current.findIndex(({ node }) => selected.has(node));
    const shown = box.current;
    if (at < 0 || !shown) return;
    const top = at * ROW;
    if (top < shown.scrollTop || top + ROW > shown.scrollTop + shown.clientHeight) {
      shown.scrollTop = Math.max(0, top - shown.clientHeight / 2);
    }
  }, [box, selected]);
}

interface RowProps {
  readonly bar: Bar;
  readonly at: number;
  readonly span: number;
  readonly selected: boolean;
  readonly onChoose: (bar: Bar) => void;
}

const Row = memo(function Row({ bar, at, span, selected, onChoose }: RowProps) {
  const { node, scope, consumer, attempt, state, depth, queuedAt, startedAt, endedAt } = bar;
  const title = useNodeViews().get(node)?.title ?? node;
  const end = endedAt ?? span;
  const percent = (ms: number): number => (span <= 0 ? 0 : Math.min(100, (100 * ms) / span));
  const took = formatSeconds(Math.max(0, end - queuedAt) / 1000);
  const place = [
    title.toLowerCase() === node.toLowerCase() ? "" : node,
    scope === "" ? "" : scopeText(scope),
    consumer === undefined ? "" : `for ${consumer}`,
    attempt > 1 ? `attempt ${attempt}` : "",
  ]
    .filter(Boolean)
    .join(", ");
  const waited =
    startedAt === undefined || startedAt - queuedAt < 1
      ? ""
      : `, waited ${formatSeconds((startedAt - queuedAt) / 1000)}`;
  const text = `${title}${place === "" ? "" : ` (${place})`}: ${stateNames[state]}, ${took}${waited}`;
  const left = percent(queuedAt);
  const work = startedAt === undefined ? left : percent(startedAt);
  return (
    <div
      id={`run-bar-${at}`}
      className={`run-bar-row${selected ? " run-bar-selected" : ""}`}
      role="option"
      aria-selected={selected}
      aria-label={text}
      title={text}
      data-node={node}
      style={{ top: at * ROW, height: ROW }}
      onClick={() => onChoose(bar)}
      onKeyDown={undefined}
      tabIndex={-1}
    >
      <span className="run-bar-name" style={{ paddingLeft: 8 + depth * 12 } as CSSProperties}>
        {title}
        {place === "" ? null : <span className="run-dim"> {place}</span>}
      </span>
      <span className="run-bar-track" data-state={state}>
        <span className="run-bar-queued" style={{ left: `${left}%`, width: `${Math.max(0, work - left)}%` }} />
        <span className="run-bar" style={{ left: `${work}%`, width: `${Math.max(0, percent(end) - work)}%` }} />
        <span
          className="run-bar-time"
          style={percent(end) > 85 ? { right: `${100 - left}%` } : { left: `${percent(end)}%` }}
        >
          {took}
        </span>
      </span>
    </div>
  );
});

function Scale({ span }: { readonly span: number }) {
  return (
    <div className="run-scale" aria-hidden="true">
      <span className="run-bar-name">Node</span>
      <span className="run-scale-track">
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part} className={part === 1 ? "run-scale-last" : ""} style={{ left: `${part * 100}%` }}>
            {formatSeconds((span * part) / 1000)}
          </span>
        ))}
      </span>
    </div>
  );
}
