/** The bar at the top: which flow this is, how it stands, what can be done with it as a whole. */
import { useState } from "react";
import { RunControls } from "../run/index.ts";
import { edit, useDocument } from "../stores/document-store.ts";
import { useIsDirty, useSession } from "../stores/session-store.ts";
import { changeSettings, useSettings } from "../stores/settings-store.ts";
import { useView } from "../stores/view-store.ts";
import { deployFlow, saveFlow } from "./flow-actions.ts";
import { flowNameProblem } from "./flow-name.ts";
import { IconButton } from "./icon-button.tsx";
import { Icon } from "./icons.tsx";
import { downloadFlow } from "./import-flow.ts";
import { modKey } from "./shortcut-keys.ts";

export function TopBar() {
  const openDialog = useView((view) => view.openDialog);
  const { palette, side, theme } = useSettings();
  const frozen = useView((view) => view.frozen !== undefined);
  return (
    <header className="top-bar">
      <span className="brand">
        <img src="./icon.svg" alt="" width="24" height="24" />
        RayFlow
      </span>
      <button type="button" className="button" onClick={() => openDialog("flows")} title={`Flows (${modKey}O)`}>
        <Icon name="folder" /> Flows
      </button>
      <IconButton icon="plus" label="New flow" onClick={() => openDialog("new")} />
      <FlowName />
      <SaveState />
      <span className="grow" />
      <RunControls />
      <button
        type="button"
        className="button"
        disabled={frozen}
        onClick={() => void saveFlow()}
        title={`Save (${modKey}S)`}
      >
        <Icon name="save" /> Save
      </button>
      <button
        type="button"
        className="button"
        disabled={frozen}
        onClick={() => void deployFlow()}
        title="Deploy: programs run this version by the flow's name"
      >
        <Icon name="deploy" /> Deploy
      </button>
      <span className="divider" />
      <IconButton icon="import" label="Import a flow" onClick={() => openDialog("import")} />
      <IconButton icon="export" label={`Export to a file (${modKey}E)`} onClick={downloadFlow} />
      <span className="divider" />
      <IconButton
        icon="palette"
        label="Node library ([)"
        pressed={palette}
        onClick={() => changeSettings({ palette: !palette })}
      />
      <IconButton icon="sidebar" label="Details (])" pressed={side} onClick={() => changeSettings({ side: !side })} />
      <IconButton
        icon={theme === "light" ? "moon" : "sun"}
        label={theme === "light" ? "Dark theme" : "Light theme"}
        onClick={() => changeSettings({ theme: theme === "light" ? "dark" : "light" })}
      />
      <IconButton icon="settings" label="Settings" onClick={() => openDialog("settings")} />
      <IconButton icon="keyboard" label="Keys and gestures (?)" onClick={() => openDialog("help")} />
    </header>
  );
}

function FlowName() {
  const name = useDocument((state) => state.document.name);
  const [typed, setTyped] = useState<string>();
  const shown = typed ?? name;
  const problem = flowNameProblem(shown);
  const commit = () => {
    if (typed !== undefined && flowNameProblem(typed) === undefined) edit((document) => ({ ...document, name: typed }));
    setTyped(undefined);
  };
  return (
    <input
      className="flow-title"
      aria-label="Name of the flow"
      aria-invalid={problem !== undefined}
      title={problem ?? "Name of the flow"}
      spellCheck={false}
      size={Math.max(6, Math.min(32, shown.length + 1))}
      value={shown}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") {
          setTyped(undefined);
          event.stopPropagation();
        }
      }}
    />
  );
}

function SaveState() {
  const { savedAs, state, version, saved, deployed } = useSession();
  const dirty = useIsDirty();
  if (state.is === "conflict") {
    return (
      <button type="button" className="state state-error" onClick={() => useView.getState().openDialog("conflict")}>
        Somebody else saved
      </button>
    );
  }
  const text =
    state.is === "saving"
      ? "Saving…"
      : state.is === "failed"
        ? "Not saved"
        : dirty
          ? savedAs === undefined
            ? "Not saved yet"
            : "Unsaved changes"
          : savedAs === undefined
            ? ""
            : "Saved";
  const title = state.is === "failed" ? state.message : undefined;
  const isDeployed = version !== undefined && deployed !== undefined && deployed === saved && !dirty;
  return (
    <span className="states" role="status">
      {text === "" ? null : (
        <span className={`state ${state.is === "failed" ? "state-error" : dirty ? "state-dirty" : ""}`} title={title}>
          {text}
        </span>
      )}
      {version === undefined ? null : (
        <span className="state" title={`Version ${version}`}>
          {isDeployed ? "Deployed" : "Changed since deployed"}
        </span>
      )}
    </span>
  );
}
