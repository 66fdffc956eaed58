/** What a node type says of itself. */
import type { NodeType } from "../../../flow/index.ts";
import type { NodeView, PinView } from "../model/node-view.ts";
import { pinColor } from "../model/pin-colors.ts";
import { Section } from "./section.tsx";

export function Documentation({ type, view }: { readonly type: NodeType; readonly view: NodeView }) {
  const pins = (list: readonly PinView[]) => list.filter((pin) => pin.special === undefined);
  return (
    <Section title="Documentation" folded>
      <p>{type.description}</p>
      <PinTable title="Takes" pins={pins(view.left)} />
      <PinTable title="Gives" pins={[...pins(view.right), ...view.failure]} />
      {type.pure ? (
        <p className="quiet">Without white wires it is evaluated for each node that needs its value, when that runs.</p>
      ) : null}
      <p className="quiet">
        {type.type} · version {type.version}
      </p>
    </Section>
  );
}

function PinTable({ title, pins }: { readonly title: string; readonly pins: readonly PinView[] }) {
  if (pins.length === 0) return null;
  return (
    <>
      <h4>{title}</h4>
      <dl className="pin-table">
        {pins.map((pin) => (
          <div key={`${pin.side} ${pin.handle}`}>
            <dt>
              <span
                className={pin.kind === "exec" ? "dot dot-exec" : "dot"}
                style={{ background: pinColor(pin.kind, pin.type) }}
              />
              {pin.name}
            </dt>
            <dd>
              {pin.kind === "exec" ? "exec" : pin.typeText}
              {pin.description === undefined ? null : <span className="quiet"> {pin.description}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}
