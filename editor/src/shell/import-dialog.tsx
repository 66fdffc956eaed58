import { useRef, useState } from "react";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { importFile, importText } from "./import-flow.ts";

/** A file, or text from anywhere. */
export function ImportDialog({ close }: { readonly close: () => void }) {
  const [text, setText] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const take = async (done: Promise<boolean>) => {
    if (await done) close();
  };
  return (
    <Dialog
      title="Import a flow"
      onClose={close}
      footer={
        <button
          type="button"
          className="button button-primary"
          disabled={text.trim() === ""}
          onClick={() => void take(importText(text, "imported"))}
        >
          Import
        </button>
      }
    >
      <input
        ref={file}
        type="file"
        accept=".json,application/json"
        className="visually-hidden"
        aria-label="Flow file"
        onChange={(event) => {
          const chosen = event.target.files?.[0];
          if (chosen !== undefined) void take(importFile(chosen));
          event.target.value = "";
        }}
      />
      <button
        type="button"
        className="drop-zone"
        onClick={() => file.current?.click()}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          const dropped = event.dataTransfer.files[0];
          if (dropped !== undefined) void take(importFile(dropped));
        }}
      >
        <Icon name="import" />
        <span>Choose a file, or drop one here</span>
        <small>Exported flows, bare graphs of nodes and edges, and lists of connections are all read.</small>
      </button>
      <label className="stack">
        Or paste its JSON
        <textarea
          className="field mono"
          rows={8}
          spellCheck={false}
          value={text}
          placeholder='{"nodes": [...], "edges": [...]}'
          onChange={(event) => setText(event.target.value)}
        />
      </label>
    </Dialog>
  );
}
