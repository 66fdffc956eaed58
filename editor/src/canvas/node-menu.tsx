/** The menu of a node: what can be done with it, or with all that are selected. */
import { useEffect, useRef } from "react";
import { disconnectNode } from "../model/edit-edges.ts";
import type { Point } from "../model/flow-document.ts";
import { edit } from "../stores/document-store.ts";
import { useView } from "../stores/view-store.ts";
import { deleteSelection, duplicateSelection, refuseWhileFrozen } from "./edit-actions.ts";

export interface OpenMenu {
  readonly screen: Point;
  readonly node: string;
}

export function NodeMenu({ menu, close }: { readonly menu: OpenMenu; readonly close: () => void }) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("button")?.focus();
  }, []);
  const entries: readonly [title: string, keys: string, run: () => void][] = [
    ["Show in the inspector", "Enter", () => useView.setState({ sideTab: "inspector", focusField: menu.node })],
    ["Connect…", "C", () => useView.getState().openDialog("connect")],
    ["Duplicate", "Ctrl+D", duplicateSelection],
    [
      "Disconnect",
      "",
      () => {
        if (!refuseWhileFrozen()) {
          edit((document) => [...useView.getState().selectedNodes].reduce(disconnectNode, document));
        }
      },
    ],
    ["Delete", "Del", deleteSelection],
  ];
  const move = (by: number) => {
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[(at + by + buttons.length) % buttons.length]?.focus();
  };
  return (
    <>
      <button type="button" className="popup-backdrop" aria-label="Close the menu" tabIndex={-1} onClick={close} />
      <div
        ref={list}
        className="popup menu"
        role="menu"
        tabIndex={-1}
        aria-label="Node"
        style={{
          left: Math.min(menu.screen.x, window.innerWidth - 230),
          top: Math.min(menu.screen.y, window.innerHeight - 210),
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Escape") close();
          if (event.key === "ArrowDown") move(1);
          if (event.key === "ArrowUp") move(-1);
        }}
      >
        {entries.map(([title, keys, run]) => (
          <button
            key={title}
            type="button"
            role="menuitem"
            onClick={() => {
              close();
              run();
            }}
          >
            <span>{title}</span>
            {keys === "" ? null : <kbd>{keys}</kbd>}
          </button>
        ))}
      </div>
    </>
  );
}
