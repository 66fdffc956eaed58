/** The flow as a whole: what it is, what it does when a node fails, what sets it off. */
import { useEffect, useState } from "react";
import { readTriggers } from "../../../flow/index.ts";
import type { FlowVersion } from "../api/answers.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { withEntry } from "../model/json.ts";
import { edit } from "../stores/document-store.ts";
import { api } from "../stores/gateway.ts";
import { useSession } from "../stores/session-store.ts";
import { useShownDocument } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { JsonField } from "./json-field.tsx";
import { Row, Section } from "./section.tsx";
import { TextField } from "./text-field.tsx";

export function FlowSettings() {
  const document = useShownDocument();
  const readOnly = useView((view) => view.frozen !== undefined);
  const set = (key: "version" | "description" | "error_strategy" | "drain", value: string) =>
    edit((before) => {
      const { [key]: _, ...rest } = before;
      return (value === "" ? rest : { ...rest, [key]: value }) as FlowDocument;
    }, `flow ${key}`);
  const triggers = document.rest?.triggers ?? document.restMetadata?.triggers ?? document.restGraph?.triggers;
  return (
    <div className="inspector">
      <header className="inspector-head">
        <div>
          <h2>{document.name}</h2>
          <span className="quiet">
            {document.nodes.length} nodes, {document.edges.length} wires
          </span>
        </div>
      </header>
      <Section title="About">
        <Row label="Description">
          <TextField
            label="Description of the flow"
            multiline
            value={document.description ?? ""}
            placeholder="What it is for"
            disabled={readOnly}
            onChange={(text) => set("description", text)}
          />
        </Row>
        <Row label="Version" hint="A label of yours; deployed versions get a hash besides.">
          <TextField
            label="Version label"
            value={document.version ?? ""}
            placeholder="1.0.0"
            disabled={readOnly}
            onChange={(text) => set("version", text)}
          />
        </Row>
      </Section>
      <Section title="Running">
        <Row label="When a node fails and nothing nearer handles it">
          <select
            className="field"
            aria-label="Error strategy"
            disabled={readOnly}
            value={document.error_strategy ?? ""}
            onChange={(event) => set("error_strategy", event.target.value)}
          >
            <option value="">abort: the run fails (default)</option>
            <option value="abort">abort: the run fails</option>
            <option value="continue">continue with default values</option>
            <option value="retry">retry: four attempts, then abort</option>
            <option value="pause">pause: wait for a retry or a cancel</option>
          </select>
        </Row>
        <Row label="After the first Return">
          <select
            className="field"
            aria-label="After the first Return"
            disabled={readOnly}
            value={document.drain ?? ""}
            onChange={(event) => set("drain", event.target.value)}
          >
            <option value="">cancel what still runs (default)</option>
            <option value="cancel">cancel what still runs</option>
            <option value="await">let it finish</option>
          </select>
        </Row>
      </Section>
      <Section title="Triggers" folded={triggers === undefined}>
        <JsonField
          label="Triggers"
          value={triggers}
          rows={5}
          disabled={readOnly}
          placeholder='[{"every": "10m"}, {"cron": "0 9 * * *"}]'
          check={(value) => readTriggers(value).issues[0]?.message}
          onChange={(value) => edit((before) => withTriggers(before, value), "flow triggers")}
        />
        <small className="quiet">They start runs once the flow is deployed.</small>
      </Section>
      <Versions />
    </div>
  );
}

function withTriggers(document: FlowDocument, value: unknown): FlowDocument {
  const place =
    document.restMetadata?.triggers !== undefined
      ? "restMetadata"
      : document.restGraph?.triggers !== undefined
        ? "restGraph"
        : "rest";
  return { ...document, [place]: withEntry(document[place] ?? {}, "triggers", value) };
}

function Versions() {
  const { savedAs, version } = useSession();
  const [versions, setVersions] = useState<readonly FlowVersion[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a deployment makes another version
  useEffect(() => {
    setVersions([]);
    if (savedAs === undefined) return;
    let isGone = false;
    api.flowVersions(savedAs).then(
      (answer) => {
        if (!isGone) setVersions(answer.versions);
      },
      // A flow that was never deployed has none.
      () => undefined,
    );
    return () => {
      isGone = true;
    };
  }, [savedAs, version]);
  if (versions.length === 0) return null;
  return (
    <Section title="Deployed versions" note={String(versions.length)}>
      <ul className="versions">
        {versions.map((one) => (
          <li key={one.version}>
            <code>{one.version.slice(0, 12)}</code>
            {one.current ? <span className="status status-deployed">current</span> : null}
            <span className="quiet">{new Date(one.deployed_at).toLocaleString()}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
