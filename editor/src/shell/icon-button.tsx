import { Icon, type IconName } from "./icons.tsx";

export interface IconButtonProps {
  readonly icon: IconName;
  /** Its name, and its tooltip. */
  readonly label: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  /** For a button that is on or off. */
  readonly pressed?: boolean;
  readonly tone?: "danger";
}

export function IconButton({ icon, label, onClick, disabled = false, pressed, tone }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button${tone === undefined ? "" : ` icon-button-${tone}`}`}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
