/** Draws a wire with the keyboard: first the pin of the selected node, then what it goes to. */
import { useState } from "react";
import { checkWire, findPin, type PinAt } from "../model/connection-rules.ts";
import { fittingPin } from "../model/fitting-nodes.ts";
import { type NodeView, type PinView, pinLabel } from "../model/node-view.ts";
import { searchTypes } from "../model/palette-search.ts";
import { categoryColor, pinColor } from "../model/pin-colors.ts";
import { Combobox, type Option } from "../shell/combobox.tsx";
import { Dialog } from "../shell/dialog.tsx";
import { shownFlow } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { drawWire, placeNode, refuseWhileFrozen } from "./edit-actions.ts";
import { wireBetween } from "./wire-ends.ts";

const NEW = "new:";

export function ConnectDialog({ close }: { readonly close: () => void }) {
  const [from, setFrom] = useState<PinAt>();
  const [node] = useView((view) => view.selectedNodes);
  const view = node === undefined ? undefined : shownFlow().views.get(node);
  if (view === undefined || refuseWhileFrozen()) {
    return (
      <Dialog title="Connect" size="small" onClose={close}>
        <p>Select a node first: press Tab until it is outlined, then Enter.</p>
      </Dialog>
    );
  }
  const finish = (id: string) => {
    if (from === undefined) return;
    close();
    const type = id.startsWith(NEW) ? shownFlow().types.get(id.slice(NEW.length)) : undefined;
    if (type !== undefined) placeNode(type, { at: beside(view, from), from });
    else {
      const wire = wireBetween(from, parsePin(id));
      if (wire !== undefined) drawWire(wire);
    }
  };
  return (
    <Dialog
      title={from === undefined ? `Connect ${view.title}` : `Connect ${view.title} to`}
      size="small"
      onClose={close}
    >
      {from === undefined ? (
        <Combobox
          key="from"
          label="Pin of this node"
          placeholder="Which pin?"
          empty="No pin is called so"
          optionsFor={(query) =>
            matching(
              pinsOf(view).map((pin) => pinOption(view, pin)),
              query,
            )
          }
          onPick={(id) => setFrom(parsePin(id))}
          onClose={close}
        />
      ) : (
        <Combobox
          key="to"
          label="What it connects to"
          placeholder="A pin of another node, or a new node"
          empty="Nothing fits"
          optionsFor={(query) => targets(from, query)}
          onPick={finish}
          onClose={close}
        />
      )}
    </Dialog>
  );
}

/** Pins that take the wire, then node types that would. */
function targets(from: PinAt, query: string): Option[] {
  const { document, views, types } = shownFlow();
  const pin = findPin(views, from);
  if (pin === undefined) return [];
  const pins = [...views.values()].flatMap((view) =>
    pinsOf(view).flatMap((other) => {
      const wire = wireBetween(from, { node: view.node.id, handle: other.handle, side: other.side });
      if (wire === undefined || view.node.id === from.node) return [];
      return checkWire(document, views, types, wire).allowed ? [pinOption(view, other)] : [];
    }),
  );
  const fitting = [...types.values()].filter((type) => fittingPin(type, pin) !== undefined);
  const fresh = searchTypes(fitting, query.replace(/^\s*new\b:?/i, "")).map((type) => ({
    id: `${NEW}${type.type}`,
    title: `New: ${type.title}`,
    detail: type.category,
    color: categoryColor(type.category),
  }));
  return [...matching(pins, query), ...fresh];
}

function pinsOf(view: NodeView): readonly PinView[] {
  return [...view.right, ...view.left, ...view.failure];
}

function pinOption(view: NodeView, pin: PinView): Option {
  const way = pin.side === "target" ? "input" : "output";
  return {
    id: `${pin.side} ${view.node.id} ${pin.handle}`,
    title: `${view.title} · ${pinLabel(pin) || "exec"}`,
    detail: pin.kind === "exec" ? `exec ${way}` : `${way} ${pin.typeText}`,
    color: pinColor(pin.kind, pin.type),
  };
}

function parsePin(id: string): PinAt {
  const [side, node = "", ...handle] = id.split(" ");
  return { side: side === "source" ? "source" : "target", node, handle: handle.join(" ") };
}

function matching(options: readonly Option[], query: string): Option[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return options.filter(({ title, detail }) =>
    words.every((word) => `${title} ${detail}`.toLowerCase().includes(word)),
  );
}

function beside(view: NodeView, { side }: PinAt) {
  const at = shownFlow().document.nodes.find((node) => node.id === view.node.id)?.position ?? { x: 0, y: 0 };
  return { x: at.x + (side === "source" ? 280 : -280), y: at.y };
}
