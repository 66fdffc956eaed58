/** The frame of a run's dialogs: a dialog that is a form, so that Enter does what its main button does. */
import { type ReactNode, useEffect, useRef } from "react";
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

/** What has the focus at first is marked `data-autofocus`. */
export function RunDialogFrame({
  title,
  tone = "plain",
  size = "medium",
  onClose,
  onSubmit,
  footer,
  children,
}: RunDialogProps) {
  const form = useRef<HTMLFormElement>(null);
  // The dialog's own effect, which opens it, comes before this one.
  useEffect(() => form.current?.querySelector<HTMLElement>("[data-autofocus]")?.focus(), []);
  return (
    <form
      ref={form}
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
