/** The inputs of a node: where each gets its value from, and the literals of those that no wire feeds. */
import { useState } from "react";
import { disconnectPin } from "../model/edit-edges.ts";
import { setConstant, updateNode } from "../model/edit-nodes.ts";
import type { DocNode } from "../model/flow-document.ts";
import type { NodeView, PinView } from "../model/node-view.ts";
import { pinColor } from "../model/pin-colors.ts";
import { IconButton } from "../shell/icon-button.tsx";
import { edit } from "../stores/document-store.ts";
import { useNodeViews, useShownDocument } from "../stores/shown-flow.ts";
import { LiteralField } from "./literal-field.tsx";
import { Section } from "./section.tsx";

export interface ConstantsProps {
  readonly node: DocNode;
  readonly view: NodeView;
  readonly readOnly: boolean;
}

export function ConstantsSection({ node, view, readOnly }: ConstantsProps) {
  const pins = view.left.filter((pin) => pin.kind === "data" && pin.special === undefined);
  const isOpen = view.type?.open_inputs === true;
  // Literals for inputs that are none: kept by a file, without effect.
  const stray = Object.keys(node.constants).filter((name) => !pins.some((pin) => pin.name === name));
  if (pins.length === 0 && stray.length === 0 && !isOpen) return null;
  const set = (pin: string, value: unknown) =>
    edit(
      (document) => updateNode(document, node.id, (before) => setConstant(before, pin, value)),
      `constant ${node.id} ${pin}`,
    );
  return (
    <Section title={view.type?.kind === "return" ? "Result" : "Inputs"}>
      {pins.map((pin) => (
        <InputRow
          key={pin.name}
          node={node}
          pin={pin}
          isOpen={isOpen}
          readOnly={readOnly}
          onSet={(value) => set(pin.name, value)}
        />
      ))}
      {stray.map((name) => (
        <div key={name} className="row">
          <div className="row-label">
            <s>{name}</s> <span className="quiet">is no input of this node</span>
            <span className="grow" />
            <IconButton
              icon="close"
              label={`Remove the value of ${name}`}
              disabled={readOnly}
              onClick={() => set(name, undefined)}
            />
          </div>
        </div>
      ))}
      {isOpen ? (
        <NewInput taken={pins.map((pin) => pin.name)} readOnly={readOnly} onAdd={(name) => set(name, null)} />
      ) : null}
    </Section>
  );
}

interface InputRowProps {
  readonly node: DocNode;
  readonly pin: PinView;
  readonly isOpen: boolean;
  readonly readOnly: boolean;
  readonly onSet: (value: unknown) => void;
}

function InputRow({ node, pin, isOpen, readOnly, onSet }: InputRowProps) {
  const value = Object.hasOwn(node.constants, pin.name) ? node.constants[pin.name] : undefined;
  const placeholder = pin.hasDefault
    ? `default ${JSON.stringify(pin.default)}`
    : pin.required
      ? "needs a wire or a value"
      : "not set";
  return (
    <div className="row" data-pin={pin.name}>
      <div className="row-label">
        <span className="dot" style={{ background: pinColor("data", pin.type) }} />
        {pin.name}
        <span className="quiet">{pin.typeText}</span>
        {pin.required && !pin.hasDefault ? (
          <span className="needed" title="required">
            *
          </span>
        ) : null}
        <span className="grow" />
        {pin.connected ? (
          <IconButton
            icon="close"
            label={`Take the wire off ${pin.name}`}
            disabled={readOnly}
            onClick={() => edit((document) => disconnectPin(document, node.id, pin.handle, "target"))}
          />
        ) : value === undefined ? null : (
          <IconButton
            icon={isOpen ? "trash" : "close"}
            label={isOpen ? `Remove ${pin.name}` : `Clear the value of ${pin.name}`}
            disabled={readOnly}
            onClick={() => onSet(undefined)}
          />
        )}
      </div>
      {pin.connected ? (
        <SourceOf node={node.id} pin={pin} />
      ) : (
        <LiteralField
          label={`Value of ${pin.name}`}
          type={pin.type ?? { type: "any" }}
          value={value}
          placeholder={placeholder}
          disabled={readOnly}
          onChange={onSet}
        />
      )}
      {pin.description === undefined ? null : <small className="quiet">{pin.description}</small>}
    </div>
  );
}

function SourceOf({ node, pin }: { readonly node: string; readonly pin: PinView }) {
  const document = useShownDocument();
  const views = useNodeViews();
  const edge = document.edges.find((one) => one.target === node && one.targetHandle === pin.handle);
  const source = edge === undefined ? undefined : views.get(edge.source);
  const output = source?.right.find((one) => one.handle === edge?.sourceHandle);
  return (
    <div className="source-of">
      from <b>{source?.title ?? edge?.source}</b> · {output?.name ?? edge?.sourceHandle}
    </div>
  );
}

interface NewInputProps {
  readonly taken: readonly string[];
  readonly readOnly: boolean;
  readonly onAdd: (name: string) => void;
}

/** Names another input of a node that takes any. */
function NewInput({ taken, readOnly, onAdd }: NewInputProps) {
  const [name, setName] = useState("");
  const isFree = name.trim() !== "" && !taken.includes(name.trim());
  const add = () => {
    if (!isFree) return;
    onAdd(name.trim());
    setName("");
  };
  return (
    <div className="add-row">
      <input
        className="field"
        aria-label="Name of a new input"
        placeholder="Add an input…"
        spellCheck={false}
        disabled={readOnly}
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") add();
        }}
      />
      <IconButton icon="plus" label="Add the input" disabled={readOnly || !isFree} onClick={add} />
    </div>
  );
}
