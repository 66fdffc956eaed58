/** The frame of a run's dialogs: a dialog that is a form, so that Enter does what its main button does. */
import type { ReactNode } from "react";
import { Dialog } from "../shell/dialog.tsx";

interface RunDialogProps {
  readonly title: string;
  readonly tone?: "plain" | "success" | "error";
  readonly size?: "small" | "medium" | "large";
  readonly onClose: () => void;
  readonly onSubmit?: () => void;
  readonly footer?: ReactNode;
  readonly children: ReactNode;
}

export function RunDialogFrame({
  title,
  tone = "plain",
  size = "medium",
  onClose,
  onSubmit,
  footer,
  children,
}: RunDialogProps) {
  return (
    <form
      className={`run-dialog run-dialog-${tone}`}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit?.();
      }}
    >
      <Dialog title={title} size={size} onClose={onClose} footer={footer}>
        {children}
      </Dialog>
    </form>
  );
}
