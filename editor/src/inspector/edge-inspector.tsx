/** A wire: what it carries from where to where. */
import { deleteSelection } from "../canvas/edit-actions.ts";
import { viewport } from "../canvas/viewport.ts";
import { findPin } from "../model/connection-rules.ts";
import type { DocEdge } from "../model/flow-document.ts";
import { edgeKind } from "../model/handle-ids.ts";
import { pinLabel } from "../model/node-view.ts";
import { Icon } from "../shell/icons.tsx";
import { useNodeViews } from "../stores/shown-flow.ts";
import { useEdgeProblems } from "../stores/shown-problems.ts";
import { useView } from "../stores/view-store.ts";

export function EdgeInspector({ edge, readOnly }: { readonly edge: DocEdge; readonly readOnly: boolean }) {
  const views = useNodeViews();
  const problems = useEdgeProblems(edge.id);
  const from = findPin(views, { node: edge.source, handle: edge.sourceHandle, side: "source" });
  const to = findPin(views, { node: edge.target, handle: edge.targetHandle, side: "target" });
  const kind = edgeKind(edge);
  const show = (id: string) => {
    useView.getState().select([id], []);
    viewport()?.show([id]);
  };
  return (
    <div className="inspector">
      <header className="inspector-head">
        <div>
          <h2>{kind === "exec" ? "Exec wire" : "Data wire"}</h2>
          <span className="quiet">{edge.id}</span>
        </div>
      </header>
      {problems?.map((problem) => (
        <p key={problem.message} className={`notice notice-${problem.severity}`}>
          <Icon name={problem.severity} />
          <span>{problem.message}</span>
        </p>
      ))}
      <dl className="pin-table">
        <div>
          <dt>From</dt>
          <dd>
            <button type="button" className="link" onClick={() => show(edge.source)}>
              {views.get(edge.source)?.title ?? edge.source}
            </button>{" "}
            {from === undefined ? edge.sourceHandle : pinLabel(from)} <span className="quiet">{from?.typeText}</span>
          </dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>
            <button type="button" className="link" onClick={() => show(edge.target)}>
              {views.get(edge.target)?.title ?? edge.target}
            </button>{" "}
            {to === undefined ? edge.targetHandle : pinLabel(to)} <span className="quiet">{to?.typeText}</span>
          </dd>
        </div>
      </dl>
      <div className="button-row">
        <button type="button" className="button button-danger" disabled={readOnly} onClick={deleteSelection}>
          <Icon name="trash" /> Delete
        </button>
      </div>
    </div>
  );
}
