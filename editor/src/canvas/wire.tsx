/** A wire: white for exec, in the colour of its type for data; broken in red where the validator objects. */
import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath } from "@xyflow/react";
import { memo } from "react";
import { useEdgeRunState } from "../run/index.ts";
import { Icon } from "../shell/icons.tsx";
import { useEdgeProblems } from "../stores/shown-problems.ts";
import { useView } from "../stores/view-store.ts";
import type { CanvasEdge } from "./canvas-elements.ts";

export const Wire = memo(function Wire({
  id,
  data,
  sourceX,
  sourceY,
  targetX,
  targetY,
  sourcePosition,
  targetPosition,
}: EdgeProps<CanvasEdge>) {
  const problems = useEdgeProblems(id);
  const state = useEdgeRunState(id);
  const [path, labelX, labelY] = getBezierPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition });
  const hasError = problems?.some((problem) => problem.severity === "error") === true;
  const classes = ["wire", `wire-${data?.kind ?? "data"}`, hasError ? "wire-wrong" : "", state ? `wire-${state}` : ""];
  const message = problems?.map((problem) => problem.message).join("\n");
  return (
    <>
      <BaseEdge
        path={path}
        className={classes.filter(Boolean).join(" ")}
        style={hasError ? {} : { stroke: data?.color }}
        interactionWidth={18}
      />
      {message === undefined ? null : (
        <EdgeLabelRenderer>
          <button
            type="button"
            className={`badge badge-wire ${hasError ? "badge-error" : "badge-warning"} nodrag nopan`}
            style={{ transform: `translate(-50%, -50%) translate(${labelX}px, ${labelY}px)` }}
            title={message}
            aria-label={message}
            tabIndex={-1}
            onClick={() => {
              useView.getState().select([], [id]);
              useView.getState().showBottom("problems");
            }}
          >
            <Icon name={hasError ? "error" : "warning"} />
          </button>
        </EdgeLabelRenderer>
      )}
    </>
  );
});
