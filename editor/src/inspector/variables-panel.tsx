/** Variables: what the flow's runs begin with, and what is stored on the server now. */
import { useCallback, useEffect, useState } from "react";
import type { Variable } from "../api/answers.ts";
import type { VariableScope } from "../api/client.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { withEntry } from "../model/json.ts";
import { useRun } from "../run/index.ts";
import { IconButton } from "../shell/icon-button.tsx";
import { edit } from "../stores/document-store.ts";
import { api } from "../stores/gateway.ts";
import { useSession } from "../stores/session-store.ts";
import { useShownDocument } from "../stores/shown-flow.ts";
import { toastError } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { LiteralField } from "./literal-field.tsx";
import { Section } from "./section.tsx";

export function VariablesPanel() {
  const savedAs = useSession((session) => session.savedAs);
  const runId = useRun((run) => run.shown?.runId);
  return (
    <div className="inspector">
      <FirstValues />
      {runId === undefined ? null : <Stored title="In this run" scope={`run:${runId}`} />}
      {savedAs === undefined ? null : <Stored title="Of all runs of this flow" scope={`flow:${savedAs}`} />}
      <Stored title="Global" scope="global" />
    </div>
  );
}

function FirstValues() {
  const document = useShownDocument();
  const readOnly = useView((view) => view.frozen !== undefined);
  const set = (name: string, value: unknown) =>
    edit((before) => ({ ...before, variables: withEntry(before.variables, name, value) }), `variable ${name}`);
  const uses = countUses(document);
  return (
    <Section title="A run begins with">
      {Object.entries(document.variables).map(([name, value]) => (
        <div key={name} className="row">
          <div className="row-label">
            <span className="dot dot-variable" />
            {name}
            <span className="quiet">{usesText(uses.get(name) ?? 0)}</span>
            <span className="grow" />
            <IconButton
              icon="trash"
              label={`Remove variable ${name}`}
              disabled={readOnly}
              onClick={() => set(name, undefined)}
            />
          </div>
          <LiteralField
            label={`First value of ${name}`}
            type={{ type: "any" }}
            value={value}
            disabled={readOnly}
            onChange={(next) => set(name, next ?? null)}
          />
        </div>
      ))}
      <NameField
        label="Name of a new variable"
        placeholder="Add a variable…"
        taken={Object.keys(document.variables)}
        disabled={readOnly}
        onAdd={(name) => set(name, null)}
      />
    </Section>
  );
}

function countUses(document: FlowDocument): Map<string, number> {
  const uses = new Map<string, number>();
  for (const { config } of document.nodes) {
    const name = config.variable_name;
    if (typeof name === "string" && (config.scope ?? "run") === "run") uses.set(name, (uses.get(name) ?? 0) + 1);
  }
  return uses;
}

const usesText = (count: number) => (count === 0 ? "no node uses it" : `${count} ${count === 1 ? "node" : "nodes"}`);

function Stored({ title, scope }: { readonly title: string; readonly scope: VariableScope }) {
  const [variables, setVariables] = useState<readonly Variable[]>();
  const [problem, setProblem] = useState<string>();
  const load = useCallback(async () => {
    try {
      setVariables((await api.variables(scope)).variables);
      setProblem(undefined);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, [scope]);
  useEffect(() => void load(), [load]);
  const change = async (what: string, work: Promise<unknown>) => {
    try {
      await work;
    } catch (error) {
      toastError(what, error);
    }
    await load();
  };
  const isRun = scope.startsWith("run:");
  return (
    <Section title={title} {...(variables === undefined ? {} : { note: String(variables.length) })}>
      {problem === undefined ? null : <p className="quiet">{problem}</p>}
      {variables?.map(({ name, value, revision }) => (
        <div key={`${name} ${revision}`} className="row">
          <div className="row-label">
            <span className="dot dot-variable" />
            {name}
            <span className="grow" />
            {isRun ? null : (
              <IconButton
                icon="trash"
                label={`Delete variable ${name}`}
                onClick={() => void change(`${name} was not deleted`, api.deleteVariable(scope, name))}
              />
            )}
          </div>
          <StoredValue
            name={name}
            value={value}
            readOnly={isRun}
            onSet={(next) => void change(`${name} was not set`, api.setVariable(scope, name, next, revision))}
          />
        </div>
      ))}
      {variables?.length === 0 ? <p className="quiet">None is set.</p> : null}
      <div className="button-row">
        <button type="button" className="button button-small" onClick={() => void load()}>
          Refresh
        </button>
      </div>
      {isRun ? null : (
        <NameField
          label={`Name of a new variable, ${title}`}
          placeholder="Set a variable…"
          taken={variables?.map(({ name }) => name) ?? []}
          disabled={false}
          onAdd={(name) => void change(`${name} was not set`, api.setVariable(scope, name, null))}
        />
      )}
    </Section>
  );
}

interface StoredValueProps {
  readonly name: string;
  readonly value: unknown;
  readonly readOnly: boolean;
  readonly onSet: (value: unknown) => void;
}

/** Other programs read it: it is set when that is asked for, not with each letter. */
function StoredValue({ name, value, readOnly, onSet }: StoredValueProps) {
  const [next, setNext] = useState<{ readonly value: unknown }>();
  return (
    <>
      <LiteralField
        label={`Value of ${name}`}
        type={{ type: "any" }}
        value={next === undefined ? value : next.value}
        disabled={readOnly}
        onChange={(changed) => setNext({ value: changed ?? null })}
      />
      {next === undefined ? null : (
        <div className="button-row">
          <button type="button" className="button button-small button-primary" onClick={() => onSet(next.value)}>
            Set
          </button>
          <button type="button" className="button button-small" onClick={() => setNext(undefined)}>
            Leave it
          </button>
        </div>
      )}
    </>
  );
}

interface NameFieldProps {
  readonly label: string;
  readonly placeholder: string;
  readonly taken: readonly string[];
  readonly disabled: boolean;
  readonly onAdd: (name: string) => void;
}

function NameField({ label, placeholder, taken, disabled, onAdd }: NameFieldProps) {
  const [name, setName] = useState("");
  const trimmed = name.trim();
  const isFree = trimmed !== "" && !taken.includes(trimmed);
  const add = () => {
    if (!isFree) return;
    onAdd(trimmed);
    setName("");
  };
  return (
    <div className="add-row">
      <input
        className="field"
        aria-label={label}
        placeholder={placeholder}
        spellCheck={false}
        disabled={disabled}
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") add();
        }}
      />
      <IconButton icon="plus" label="Add the variable" disabled={disabled || !isFree} onClick={add} />
    </div>
  );
}
