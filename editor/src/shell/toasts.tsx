import { dismissToast, useToasts } from "../stores/toast-store.ts";
import { IconButton } from "./icon-button.tsx";
import { Icon } from "./icons.tsx";

const icons = { info: "info", success: "check", error: "error" } as const;

export function Toasts() {
  const { toasts } = useToasts();
  return (
    <div className="toasts" role="log" aria-live="polite" aria-label="Messages">
      {toasts.map(({ id, tone, text }) => (
        <div key={id} className={`toast toast-${tone}`}>
          <Icon name={icons[tone]} />
          <span>{text}</span>
          <IconButton icon="close" label="Dismiss" onClick={() => dismissToast(id)} />
        </div>
      ))}
    </div>
  );
}
