/** A node of the canvas: header in its category's colour, inputs on the left, outputs on the right. */
import { Handle, type NodeProps } from "@xyflow/react";
import { type CSSProperties, memo } from "react";
import { BORDER, geometryOf, pinKey, shownConstant } from "../model/node-geometry.ts";
import { type NodeView, type PinView, pinLabel } from "../model/node-view.ts";
import { categoryColor, pinColor } from "../model/pin-colors.ts";
import { RunNodeOverlay, useNodeRunState } from "../run/index.ts";
import { CategoryIcon } from "../shell/category-icon.tsx";
import { Icon } from "../shell/icons.tsx";
import type { Problem } from "../stores/problems-store.ts";
import { useNodeProblems } from "../stores/shown-problems.ts";
import { useView } from "../stores/view-store.ts";
import { type CanvasNode, positionOf } from "./canvas-elements.ts";

export const FlowNode = memo(function FlowNode({ id, data: { view } }: NodeProps<CanvasNode>) {
  const problems = useNodeProblems(id);
  const state = useNodeRunState(id);
  const hasError = problems?.some((problem) => problem.severity === "error") === true;
  const classes = ["node", view.type === undefined ? "node-unknown" : "", hasError ? "node-wrong" : ""];
  const { width, height } = geometryOf(view);
  const style = { width, height, "--category": categoryColor(view.category) } as CSSProperties;
  return (
    <div className={classes.filter(Boolean).join(" ")} data-run={state} data-kind={view.type?.kind} style={style}>
      <header className="node-header">
        <CategoryIcon category={view.category} />
        <span className="node-titles">
          <span className="node-title">{view.title}</span>
          <span className="node-subtitle">{view.subtitle}</span>
        </span>
        {problems === undefined ? null : <ProblemBadge problems={problems} />}
      </header>
      {view.left.map((pin) => (
        <Pin key={pinKey(pin)} view={view} pin={pin} />
      ))}
      {view.right.map((pin) => (
        <Pin key={pinKey(pin)} view={view} pin={pin} />
      ))}
      {view.failure.map((pin) => (
        <Pin key={pinKey(pin)} view={view} pin={pin} />
      ))}
      <RunNodeOverlay id={id} />
    </div>
  );
});

function ProblemBadge({ problems }: { readonly problems: readonly Problem[] }) {
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const label = problems.map((problem) => problem.message).join("\n");
  return (
    <button
      type="button"
      className={`badge ${errors > 0 ? "badge-error" : "badge-warning"} nodrag`}
      title={label}
      aria-label={`${problems.length} ${problems.length === 1 ? "problem" : "problems"}: ${label}`}
      tabIndex={-1}
      onClick={() => useView.getState().showBottom("problems")}
    >
      <Icon name={errors > 0 ? "error" : "warning"} />
      {problems.length > 1 ? problems.length : null}
    </button>
  );
}

function Pin({ view, pin }: { readonly view: NodeView; readonly pin: PinView }) {
  const { pins } = geometryOf(view);
  const at = pins.get(pinKey(pin)) ?? { x: 0, y: 0 };
  const position = positionOf(view, pin);
  const label = pinLabel(pin);
  const value = pin.kind === "data" && !pin.connected ? shownConstant(view, pin) : undefined;
  const isFailure = view.failure.includes(pin);
  const color =
    pin.special === "unknown"
      ? "var(--error)"
      : isFailure && pin.kind === "exec"
        ? "var(--error)"
        : pinColor(pin.kind, pin.type);
  const classes = [
    "pin",
    `pin-${pin.kind}`,
    pin.connected ? "pin-connected" : "",
    pin.special === undefined ? "" : `pin-${pin.special}`,
    isFailure ? "pin-failure" : "",
  ];
  const isFaint = !pin.connected && (isFailure || (pin.kind === "exec" && view.type?.pure === true));
  return (
    <>
      <Handle
        type={pin.side}
        id={pin.handle}
        position={position}
        className={[...classes, isFaint ? "pin-faint" : ""].filter(Boolean).join(" ")}
        style={{ left: at.x - BORDER, top: at.y - BORDER, "--pin": color } as CSSProperties}
        title={titleOf(pin)}
        aria-label={titleOf(pin)}
      />
      {isFailure || (label === "" && value === undefined) ? null : (
        <span className={`pin-row pin-row-${pin.side}`} style={{ top: at.y - BORDER }}>
          {label === "" ? null : (
            <span className={`pin-label${pin.special === undefined ? "" : ` pin-label-${pin.special}`}`}>{label}</span>
          )}
          {value === undefined ? null : (
            <button
              type="button"
              className="pin-value nodrag"
              tabIndex={-1}
              title={`${pin.name} = ${value}`}
              aria-label={`Edit ${pin.name}, now ${value}`}
              onClick={() => useView.setState({ sideTab: "inspector", focusField: `${view.node.id} ${pin.name}` })}
            >
              {value}
            </button>
          )}
        </span>
      )}
    </>
  );
}

function titleOf(pin: PinView): string {
  const way = pin.side === "target" ? "input" : "output";
  if (pin.special === "new") return `Add an ${way}: drop a wire here`;
  if (pin.special === "unknown") return `There is no ${pin.kind} ${way} ${pin.name}`;
  if (pin.kind === "exec") return `exec ${way} ${pin.name}`;
  const needs = pin.required && !pin.hasDefault ? ", required" : "";
  const fallback = pin.hasDefault ? `, default ${JSON.stringify(pin.default)}` : "";
  return `${way} ${pin.name}: ${pin.typeText}${needs}${fallback}${pin.description ? ` - ${pin.description}` : ""}`;
}
