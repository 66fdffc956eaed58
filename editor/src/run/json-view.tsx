/** Any JSON value as a tree that opens where one looks; large ones are drawn only as far as they are opened. */
import { type ReactNode, useState } from "react";
import { type BlobReference, isBlobReference } from "../../../flow/index.ts";
import { api } from "../stores/gateway.ts";
import { toast, toastError } from "../stores/toast-store.ts";

const LONGEST_TEXT = 2_000;
const MOST_ENTRIES = 100;

interface JsonViewProps {
  readonly value: unknown;
  /** Levels that are open at first. Default 2. */
  readonly open?: number;
}

export function JsonView({ value, open = 2 }: JsonViewProps) {
  return (
    <div className="run-json">
      <Value value={value} open={open} />
    </div>
  );
}

interface ValueListProps {
  readonly values: Readonly<Record<string, unknown>>;
  /** Levels of each that are open at first. */
  readonly open: number;
}

/** Named values, one below the other. */
export function ValueList({ values, open }: ValueListProps) {
  return (
    <div className="run-value-list">
      {Object.entries(values).map(([name, value]) => (
        <div key={name} className="run-value">
          <span className="run-value-name">{name}</span>
          <JsonView value={value} open={open} />
        </div>
      ))}
    </div>
  );
}

function Value({ value, open, name }: JsonViewProps & { readonly name?: string }) {
  const label = name === undefined ? null : <span className="run-json-key">{name}: </span>;
  if (isBlobReference(value)) {
    return (
      <div className="run-json-row">
        {label}
        <LargeValue reference={value} />
      </div>
    );
  }
  const entries = entriesOf(value);
  if (entries === undefined || entries.length === 0) {
    return (
      <div className="run-json-row">
        {label}
        <Leaf value={value} />
      </div>
    );
  }
  return <Branch label={label} entries={entries} isList={Array.isArray(value)} open={open ?? 0} />;
}

interface BranchProps {
  readonly label: ReactNode;
  readonly entries: readonly (readonly [string, unknown])[];
  readonly isList: boolean;
  readonly open: number;
}

function Branch({ label, entries, isList, open }: BranchProps) {
  const [isOpen, setOpen] = useState(open > 0);
  const [most, setMost] = useState(MOST_ENTRIES);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span className="run-json-dim">{isList ? `[${entries.length}]` : `{${entries.length}}`}</span>
      </summary>
      {isOpen ? (
        <div className="run-json-children">
          {entries.slice(0, most).map(([key, value]) => (
            <Value key={key} name={key} value={value} open={open - 1} />
          ))}
          {entries.length > most ? (
            <button type="button" className="run-link" onClick={() => setMost(most + 10 * MOST_ENTRIES)}>
              {entries.length - most} more
            </button>
          ) : null}
        </div>
      ) : null}
    </details>
  );
}

/** A value too large for the log: it is fetched when somebody wants to see it. */
function LargeValue({ reference }: { readonly reference: BlobReference }) {
  const [loaded, setLoaded] = useState<{ readonly value: unknown }>();
  const [loading, setLoading] = useState(false);
  const { type, size } = reference.$blob;
  if (loaded) return <Value value={loaded.value} open={1} />;
  const load = async (): Promise<void> => {
    setLoading(true);
    try {
      setLoaded({ value: await api.blob(reference.$blob.id) });
    } catch (error) {
      toastError("The value was not loaded", error);
    } finally {
      setLoading(false);
    }
  };
  return (
    <span>
      <span className="run-json-dim">
        {type}, {size < 1_048_576 ? `${Math.ceil(size / 1024)} KiB` : `${(size / 1_048_576).toFixed(1)} MiB`}{" "}
      </span>
      <button type="button" className="run-link" disabled={loading} onClick={() => void load()}>
        {loading ? "Loading…" : "Load"}
      </button>
    </span>
  );
}

function Leaf({ value }: { readonly value: unknown }) {
  if (typeof value === "string") {
    const shown = value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}…` : value;
    return <span className="run-json-str">{JSON.stringify(shown)}</span>;
  }
  if (value === undefined) return <span className="run-json-dim">nothing</span>;
  if (Array.isArray(value)) return <span className="run-json-dim">[ ]</span>;
  if (typeof value === "object" && value !== null) return <span className="run-json-dim">{"{ }"}</span>;
  return <span className={`run-json-${value === null ? "dim" : typeof value}`}>{String(value)}</span>;
}

function entriesOf(value: unknown): (readonly [string, unknown])[] | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value);
}

export function CopyButton({ value, what }: { readonly value: unknown; readonly what: string }) {
  const copy = async (): Promise<void> => {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
    try {
      await navigator.clipboard.writeText(text);
      toast("success", `Copied ${what}`);
    } catch {
      toast("error", "The browser did not let it be copied");
    }
  };
  return (
    <button type="button" className="run-link" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      Copy
    </button>
  );
}
