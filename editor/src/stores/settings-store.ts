/** How this person likes the editor; kept in the browser. */
import { create } from "zustand";
import { persist } from "zustand/middleware";

export interface Settings {
  readonly theme: "dark" | "light" | "system";
  readonly snap: boolean;
  readonly minimap: boolean;
  /** Saves what was saved once again after each change. */
  readonly autosave: boolean;
  /** What dragging the empty canvas does. */
  readonly drag: "pan" | "select";
  readonly palette: boolean;
  readonly side: boolean;
  /** Of the server, when it wants one. */
  readonly token: string | undefined;
}

export const useSettings = create<Settings>()(
  persist(
    (): Settings => ({
      theme: "dark",
      snap: true,
      minimap: true,
      autosave: true,
      drag: "pan",
      palette: true,
      side: true,
      token: undefined,
    }),
    { name: "rayflow.settings" },
  ),
);

export function changeSettings(change: Partial<Settings>): void {
  useSettings.setState(change);
}
