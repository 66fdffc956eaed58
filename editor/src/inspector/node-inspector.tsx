/** A node's label, inputs, config, policy, documentation. */
import { type CSSProperties, lazy, Suspense, useEffect, useRef } from "react";
import { renameNode, setConfig, setLabel, updateNode } from "../model/edit-nodes.ts";
import type { DocNode } from "../model/flow-document.ts";
import { type JsonObject, without } from "../model/json.ts";
import type { NodeView } from "../model/node-view.ts";
import { categoryColor } from "../model/pin-colors.ts";
import { RunNodeDetails } from "../run/index.ts";
import { CategoryIcon } from "../shell/category-icon.tsx";
import { Icon } from "../shell/icons.tsx";
import { edit, useDocument } from "../stores/document-store.ts";
import { useNodeProblems } from "../stores/shown-problems.ts";
import { useView } from "../stores/view-store.ts";
import { ApiSchemaEditor } from "./api-schema-editor.tsx";
import { ConstantsSection } from "./constants-section.tsx";
import { Documentation } from "./documentation.tsx";
import { nodeIdProblem } from "./node-id.ts";
import { PolicyForm } from "./policy-form.tsx";
import { Row, Section } from "./section.tsx";
import { TextField } from "./text-field.tsx";

/** The form library is half of the bundle: it comes with the first node that has a config. */
const ConfigForm = lazy(() => import("./config-form.tsx"));

export interface NodeInspectorProps {
  readonly node: DocNode;
  readonly view: NodeView;
  readonly readOnly: boolean;
}

export function NodeInspector({ node, view, readOnly }: NodeInspectorProps) {
  const box = useRef<HTMLDivElement>(null);
  const focusField = useView((state) => state.focusField);
  const problems = useNodeProblems(node.id);
  useEffect(() => {
    if (focusField === undefined || box.current === null) return;
    const [id, pin] = focusField.split(" ");
    if (id !== node.id) return;
    useView.setState({ focusField: undefined });
    const wanted =
      pin === undefined
        ? undefined
        : box.current.querySelector<HTMLElement>(`[data-pin="${CSS.escape(pin)}"] .field:not(select)`);
    (wanted ?? box.current.querySelector<HTMLElement>(".field"))?.focus();
  }, [focusField, node.id]);

  const { type } = view;
  const schema = type === undefined ? undefined : configSchema(type.config);
  const change = (next: (before: DocNode) => DocNode, merge?: string) =>
    edit((document) => updateNode(document, node.id, next), merge);
  return (
    <div ref={box} className="inspector" style={{ "--category": categoryColor(view.category) } as CSSProperties}>
      <header className="inspector-head">
        <CategoryIcon category={view.category} />
        <div>
          <h2>{view.title}</h2>
          <span className="quiet">{node.type}</span>
        </div>
      </header>
      {problems?.map((problem) => (
        <p key={problem.message} className={`notice notice-${problem.severity}`}>
          <Icon name={problem.severity} />
          <span>{problem.message}</span>
        </p>
      ))}
      <RunNodeDetails id={node.id} />
      <Section title="Node">
        <Row label="Label">
          <TextField
            label="Label"
            value={node.label ?? ""}
            placeholder={type?.title ?? node.type}
            disabled={readOnly}
            onChange={(label) => change((before) => setLabel(before, label), `label ${node.id}`)}
          />
        </Row>
        <Row label="Id" hint="Results, logs and breakpoints name the node by it.">
          <IdField node={node} readOnly={readOnly} />
        </Row>
      </Section>
      <ConstantsSection node={node} view={view} readOnly={readOnly} />
      {type?.outputs_from_api_schema === true ? <ApiSchemaEditor node={node} readOnly={readOnly} /> : null}
      {schema === undefined ? null : (
        <Section title="Config">
          <Suspense fallback={<p className="quiet">Loading the form…</p>}>
            <ConfigForm
              schema={schema}
              value={node.config}
              readOnly={readOnly}
              onChange={(config) => change((before) => setConfig(before, config), `config ${node.id}`)}
            />
          </Suspense>
        </Section>
      )}
      {type !== undefined && type.kind !== "start" && type.kind !== "return" ? (
        <PolicyForm node={node} readOnly={readOnly} />
      ) : null}
      {type === undefined ? null : <Documentation type={type} view={view} />}
    </div>
  );
}

/** The schema without what has an editor of its own; undefined when nothing is left to fill in. */
function configSchema(schema: JsonObject): JsonObject | undefined {
  const properties = without((schema.properties ?? {}) as JsonObject, new Set(["api_schema"]));
  return properties === undefined ? undefined : { ...schema, properties };
}

function IdField({ node, readOnly }: { readonly node: DocNode; readonly readOnly: boolean }) {
  const nodes = useDocument((state) => state.document.nodes);
  const input = useRef<HTMLInputElement>(null);
  const commit = () => {
    const id = input.current?.value ?? node.id;
    if (id === node.id) return;
    if (nodeIdProblem(id, nodes, node.id) !== undefined) {
      if (input.current !== null) input.current.value = node.id;
      return;
    }
    if (edit((document) => renameNode(document, node.id, id))) useView.getState().select([id], []);
  };
  return (
    <input
      ref={input}
      className="field mono"
      aria-label="Id"
      spellCheck={false}
      disabled={readOnly}
      defaultValue={node.id}
      onBlur={commit}
      onInput={(event) => {
        event.currentTarget.setCustomValidity(nodeIdProblem(event.currentTarget.value, nodes, node.id) ?? "");
        event.currentTarget.reportValidity();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}
