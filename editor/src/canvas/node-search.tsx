/** The node search that opens on the canvas: for the place, or for the loose wire that was dropped there. */
import { useMemo } from "react";
import { findPin } from "../model/connection-rules.ts";
import { fittingPin } from "../model/fitting-nodes.ts";
import { searchTypes } from "../model/palette-search.ts";
import { categoryColor } from "../model/pin-colors.ts";
import { Combobox } from "../shell/combobox.tsx";
import { useCatalog } from "../stores/catalog-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { type NodeSearch, useView } from "../stores/view-store.ts";
import { placeNode } from "./edit-actions.ts";

const WIDTH = 300;
const HEIGHT = 360;

export function NodeSearchPopup() {
  const search = useView((view) => view.search);
  return search === undefined ? null : <Popup key={`${search.screen.x} ${search.screen.y}`} search={search} />;
}

function Popup({ search: { screen, flow, from } }: { readonly search: NodeSearch }) {
  const types = useCatalog((catalog) => catalog.types);
  const fitting = useMemo(() => {
    const pin = from === undefined ? undefined : findPin(shownFlow().views, from);
    return [...types.values()].filter((type) => pin === undefined || fittingPin(type, pin) !== undefined);
  }, [types, from]);
  const close = () => useView.getState().openSearch(undefined);
  const left = Math.max(8, Math.min(screen.x, window.innerWidth - WIDTH - 8));
  const top = Math.max(8, Math.min(screen.y, window.innerHeight - HEIGHT - 8));
  return (
    <>
      <button type="button" className="popup-backdrop" aria-label="Close the search" tabIndex={-1} onClick={close} />
      <div className="popup node-search" style={{ left, top, width: WIDTH }} role="dialog" aria-label="Add a node">
        <Combobox
          label={from === undefined ? "Search nodes" : "Search nodes that fit this wire"}
          placeholder={from === undefined ? "Add a node…" : "Connect to a new node…"}
          empty={from === undefined ? "No node is called so" : "No node like that takes this wire"}
          optionsFor={(query) =>
            searchTypes(fitting, query).map((type) => ({
              id: type.type,
              title: type.title,
              detail: type.category,
              hint: type.description,
              color: categoryColor(type.kind === "start" || type.kind === "return" ? type.kind : type.category),
            }))
          }
          onPick={(id) => {
            const type = types.get(id);
            close();
            const backwards = from?.side === "target" ? 220 : 0;
            if (type !== undefined)
              placeNode(type, { at: { x: snap(flow.x - backwards), y: snap(flow.y - 20) }, from });
          }}
          onClose={close}
        />
      </div>
    </>
  );
}

function snap(value: number): number {
  return Math.round(value / 10) * 10;
}
