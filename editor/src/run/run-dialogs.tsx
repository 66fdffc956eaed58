/** The dialogs of runs; one at a time. */
import { useEffect } from "react";
import { InputsDialog } from "./inputs-dialog.tsx";
import { RerunDialog } from "./rerun-dialog.tsx";
import { ResultDialog } from "./result-dialog.tsx";
import { RunDialogFrame } from "./run-dialog.tsx";
import { endWithItsFlow } from "./run-lifetime.ts";
import { isLive, openRunDialog, useRun } from "./run-store.ts";
import { RunsDialog } from "./runs-dialog.tsx";
import { SignalDialog } from "./signal-dialog.tsx";

export function RunDialogs() {
  const dialog = useRun((run) => run.dialog);
  const live = useRun((run) => run.following && isLive(run.status));
  // Wires move only while something goes on.
  useEffect(() => {
    document.documentElement.toggleAttribute("data-run-live", live);
  }, [live]);
  useEffect(endWithItsFlow, []);
  switch (dialog?.is) {
    case "inputs":
      return <InputsDialog debug={dialog.debug} />;
    case "result":
      return <ResultDialog />;
    case "runs":
      return <RunsDialog />;
    case "rerun":
      return <RerunDialog key={dialog.node} node={dialog.node} />;
    case "signal":
      return <SignalDialog name={dialog.name} />;
    case "empty":
      return <EmptyDialog />;
    case undefined:
      return null;
  }
}

function EmptyDialog() {
  const close = (): void => openRunDialog(undefined);
  return (
    <RunDialogFrame
      title="There is nothing to run yet"
      onClose={close}
      onSubmit={close}
      footer={
        <button type="submit" className="run-button run-button-run" data-autofocus>
          All right
        </button>
      }
    >
      <p>
        A flow begins at a <strong>START</strong> node and gives its result at a <strong>RETURN</strong> node. Add both
        from the list on the left, put the nodes that do the work in between, and join them with the white exec pins.
      </p>
    </RunDialogFrame>
  );
}
