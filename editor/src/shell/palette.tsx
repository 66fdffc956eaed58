/** The node library: by category, or by what is searched for; drag an entry or double-click it. */
import { type CSSProperties, type KeyboardEvent, useMemo, useRef, useState } from "react";
import type { NodeType } from "../../../flow/index.ts";
import { placeNode } from "../canvas/edit-actions.ts";
import { PALETTE_ENTRY } from "../canvas/use-drops.ts";
import { freePlace } from "../canvas/viewport.ts";
import { categoriesOf, searchTypes } from "../model/palette-search.ts";
import { categoryColor } from "../model/pin-colors.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { CategoryIcon } from "./category-icon.tsx";
import { IconButton } from "./icon-button.tsx";
import { Icon } from "./icons.tsx";

export function Palette() {
  const { types, status, problem, load } = useCatalog();
  const [query, setQuery] = useState("");
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const list = useRef<HTMLDivElement>(null);
  const categories = useMemo(() => categoriesOf(types.values()), [types]);
  const found = useMemo(() => (query.trim() === "" ? undefined : searchTypes(types.values(), query)), [types, query]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const entries = [...(list.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const next = entries[event.key === "ArrowDown" ? at + 1 : Math.max(0, at - 1)];
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  const toggle = (name: string) => {
    const next = new Set(closed);
    if (!next.delete(name)) next.add(name);
    setClosed(next);
  };

  return (
    <nav className="palette" aria-label="Node library" onKeyDown={onKeyDown}>
      <div className="palette-head">
        <div className="search-field">
          <Icon name="search" />
          <input
            type="search"
            id="palette-search"
            className="field"
            aria-label="Search the node library"
            placeholder="Search nodes"
            autoComplete="off"
            spellCheck={false}
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              const first = found?.[0];
              if (event.key === "Enter" && first !== undefined) add(first);
              if (event.key === "Escape") setQuery("");
            }}
          />
        </div>
        <IconButton icon="refresh" label="Look for new nodes" onClick={() => void load()} />
      </div>
      <div ref={list} className="palette-list">
        {status === "loading" ? <p className="quiet">Loading nodes…</p> : null}
        {status === "failed" ? <p className="quiet">{problem}</p> : null}
        {found === undefined
          ? categories.map(({ name, types: entries }) => (
              <section key={name} style={{ "--category": categoryColor(name) } as CSSProperties}>
                <h3>
                  <button
                    type="button"
                    className="palette-category"
                    aria-expanded={!closed.has(name)}
                    onClick={() => toggle(name)}
                  >
                    <Icon name="chevron" />
                    <CategoryIcon category={name} />
                    {name}
                    <span className="quiet">{entries.length}</span>
                  </button>
                </h3>
                {closed.has(name) ? null : entries.map((type) => <Entry key={type.type} type={type} />)}
              </section>
            ))
          : found.map((type) => <Entry key={type.type} type={type} showCategory />)}
        {found?.length === 0 ? <p className="quiet">No node is called so.</p> : null}
      </div>
    </nav>
  );
}

function Entry({ type, showCategory = false }: { readonly type: NodeType; readonly showCategory?: boolean }) {
  const category = type.kind === "start" || type.kind === "return" ? type.kind : type.category;
  return (
    <button
      type="button"
      className="palette-entry"
      draggable
      data-type={type.type}
      title={`${type.description}\nDrag it to the canvas, double-click it or press Enter.`}
      aria-label={`Add ${type.title}`}
      style={{ "--category": categoryColor(category) } as CSSProperties}
      onDragStart={(event) => {
        event.dataTransfer.setData(PALETTE_ENTRY, type.type);
        event.dataTransfer.effectAllowed = "copy";
      }}
      onDoubleClick={() => add(type)}
      onKeyDown={(event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          add(type);
        }
      }}
    >
      <span className="palette-mark" />
      <span className="palette-title">{type.title}</span>
      {showCategory ? <span className="quiet">{type.category}</span> : null}
    </button>
  );
}

function add(type: NodeType): void {
  const { document } = shownFlow();
  placeNode(type, { at: freePlace(document.nodes.map((node) => node.position)) });
}
