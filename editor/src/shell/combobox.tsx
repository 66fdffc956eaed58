/** A text field over a list: type to narrow it, arrows to move, Enter to pick. The list is its own, always open. */
import { type CSSProperties, type ReactNode, useEffect, useId, useRef, useState } from "react";

export interface Option {
  readonly id: string;
  readonly title: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly color?: string;
}

export interface ComboboxProps {
  readonly label: string;
  readonly placeholder: string;
  /** Said when nothing fits. */
  readonly empty: string;
  readonly optionsFor: (query: string) => readonly Option[];
  readonly onPick: (id: string) => void;
  readonly onClose: () => void;
  readonly footer?: ReactNode;
}

const MOST = 200;

export function Combobox({ label, placeholder, empty, optionsFor, onPick, onClose, footer }: ComboboxProps) {
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const listId = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const options = optionsFor(query).slice(0, MOST);
  const active = Math.min(at, options.length - 1);
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    list.current?.querySelector(`[data-at="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const pick = (index: number) => {
    const option = options[index];
    if (option !== undefined) onPick(option.id);
  };
  return (
    <div className="combobox">
      <input
        ref={input}
        type="text"
        role="combobox"
        className="field"
        aria-label={label}
        aria-expanded="true"
        aria-controls={listId}
        aria-activedescendant={active >= 0 ? `${listId}-${active}` : undefined}
        aria-autocomplete="list"
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={query}
        onChange={(event) => {
          setQuery(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
          const step = steps[event.key];
          if (step !== undefined) {
            event.preventDefault();
            setAt(Math.max(0, Math.min(options.length - 1, active + step)));
          } else if (event.key === "Enter") {
            event.preventDefault();
            pick(active);
          } else if (event.key === "Escape") {
            event.preventDefault();
            event.stopPropagation();
            onClose();
          }
        }}
      />
      <div ref={list} id={listId} role="listbox" aria-label={label} className="combobox-list">
        {options.map((option, index) => (
          <div
            key={option.id}
            id={`${listId}-${index}`}
            data-at={index}
            data-id={option.id}
            role="option"
            tabIndex={-1}
            aria-selected={index === active}
            className="combobox-option"
            style={{ "--mark": option.color ?? "transparent" } as CSSProperties}
            title={option.hint}
            onMouseMove={() => setAt(index)}
            onClick={() => pick(index)}
            onKeyDown={() => undefined}
          >
            <span className="combobox-title">{option.title}</span>
            {option.detail === undefined ? null : <span className="combobox-detail">{option.detail}</span>}
          </div>
        ))}
        {options.length === 0 ? <p className="combobox-empty">{empty}</p> : null}
      </div>
      {footer}
    </div>
  );
}
