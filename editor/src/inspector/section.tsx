import type { ReactNode } from "react";

export interface SectionProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Closed at first. */
  readonly folded?: boolean;
  readonly note?: string;
}

export function Section({ title, children, folded = false, note }: SectionProps) {
  return (
    <details className="section" open={!folded}>
      <summary>
        {title}
        {note === undefined ? null : <span className="quiet">{note}</span>}
      </summary>
      <div className="section-body">{children}</div>
    </details>
  );
}

/** A label over its field. */
export function Row({
  label,
  hint,
  children,
}: {
  readonly label: ReactNode;
  readonly hint?: string | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div className="row">
      <div className="row-label">{label}</div>
      {children}
      {hint === undefined || hint === "" ? null : <small className="quiet">{hint}</small>}
    </div>
  );
}
