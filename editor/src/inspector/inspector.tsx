/** What is selected, in detail. */

import { arrange } from "../canvas/canvas-toolbar.tsx";
import { deleteSelection, duplicateSelection } from "../canvas/edit-actions.ts";
import { Icon } from "../shell/icons.tsx";
import { useNodeViews, useShownDocument } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { EdgeInspector } from "./edge-inspector.tsx";
import { NodeInspector } from "./node-inspector.tsx";

export function Inspector() {
  const { selectedNodes, selectedEdges, frozen } = useView();
  const document = useShownDocument();
  const views = useNodeViews();
  const [nodeId] = selectedNodes;
  const [edgeId] = selectedEdges;
  if (selectedNodes.size > 1) {
    return (
      <div className="inspector">
        <h2>{selectedNodes.size} nodes</h2>
        <div className="button-row">
          <button type="button" className="button" disabled={frozen !== undefined} onClick={duplicateSelection}>
            <Icon name="copy" /> Duplicate
          </button>
          <button type="button" className="button" disabled={frozen !== undefined} onClick={() => void arrange()}>
            <Icon name="layout" /> Arrange
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={frozen !== undefined}
            onClick={deleteSelection}
          >
            <Icon name="trash" /> Delete
          </button>
        </div>
      </div>
    );
  }
  const node = document.nodes.find((one) => one.id === nodeId);
  const view = nodeId === undefined ? undefined : views.get(nodeId);
  if (node !== undefined && view !== undefined) {
    return <NodeInspector key={node.id} node={node} view={view} readOnly={frozen !== undefined} />;
  }
  const edge = document.edges.find((one) => one.id === edgeId);
  if (edge !== undefined) return <EdgeInspector key={edge.id} edge={edge} readOnly={frozen !== undefined} />;
  return (
    <div className="inspector inspector-empty">
      <p>Select a node or a wire to see what it is and to set it up.</p>
      <ul className="quiet">
        <li>
          <kbd>Tab</kbd> goes from node to node, <kbd>Enter</kbd> opens it here
        </li>
        <li>
          <kbd>A</kbd> adds a node, <kbd>C</kbd> connects the selected one
        </li>
        <li>
          <kbd>?</kbd> shows all keys
        </li>
      </ul>
    </div>
  );
}
