/** Everything that is wrong with the flow; each line leads to where it is. */
import { viewport } from "../canvas/viewport.ts";
import { disconnect } from "../model/edit-edges.ts";
import { edit } from "../stores/document-store.ts";
import { type Problem, useProblems } from "../stores/problems-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { Icon } from "./icons.tsx";

export function ProblemsList() {
  const { problems, current } = useProblems();
  if (problems.length === 0) {
    return (
      <p className="panel-empty">
        <Icon name="check" /> {current ? "No problems: this flow can run." : "Checking…"}
      </p>
    );
  }
  return (
    <ul className="problems" aria-label="Problems">
      {problems.map((problem, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two problems may say the same
        <li key={at}>
          <button type="button" className={`problem problem-${problem.severity}`} onClick={() => goTo(problem)}>
            <Icon name={problem.severity} />
            <span className="problem-text">{problem.message}</span>
            <code>{problem.code}</code>
          </button>
          {isLost(problem) ? (
            <button
              type="button"
              className="button button-small"
              onClick={() => edit((document) => disconnect(document, problem.edge_id ?? ""))}
            >
              Remove the edge
            </button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

/** Selects what the problem is about and brings it into sight. */
export function goTo({ node_id, edge_id }: Problem): void {
  const { document } = shownFlow();
  const edge = document.edges.find((one) => one.id === edge_id);
  const { select } = useView.getState();
  if (edge !== undefined) {
    select([], [edge.id]);
    viewport()?.show([edge.source, edge.target]);
  } else if (node_id !== undefined) {
    select([node_id], []);
    useView.setState({ sideTab: "inspector" });
    viewport()?.show([node_id]);
  }
}

/** An edge that the canvas cannot show, for want of a node. */
function isLost({ edge_id }: Problem): boolean {
  const { document, views } = shownFlow();
  const edge = document.edges.find((one) => one.id === edge_id);
  return edge !== undefined && !(views.has(edge.source) && views.has(edge.target));
}
