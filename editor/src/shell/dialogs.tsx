/** The dialog that is open, if one is. */
import { ConnectDialog } from "../canvas/connect-dialog.tsx";
import { type DialogName, useView } from "../stores/view-store.ts";
import { ConflictDialog } from "./conflict-dialog.tsx";
import { FlowsDialog } from "./flows-dialog.tsx";
import { HelpSheet } from "./help-sheet.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { NewFlowDialog } from "./new-flow-dialog.tsx";
import { SettingsDialog } from "./settings-dialog.tsx";
import { TokenDialog } from "./token-dialog.tsx";

export interface OpenDialogProps {
  readonly close: () => void;
}

const dialogs: Record<DialogName, (props: OpenDialogProps) => React.ReactNode> = {
  flows: FlowsDialog,
  help: HelpSheet,
  settings: SettingsDialog,
  import: ImportDialog,
  connect: ConnectDialog,
  conflict: ConflictDialog,
  token: TokenDialog,
  new: NewFlowDialog,
};

export function Dialogs() {
  const name = useView((view) => view.dialog);
  if (name === undefined) return null;
  const Open = dialogs[name];
  return <Open key={name} close={() => useView.getState().openDialog(undefined)} />;
}
