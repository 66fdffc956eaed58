import { changeSettings, type Settings, useSettings } from "../stores/settings-store.ts";
import { Dialog } from "./dialog.tsx";

const themes: readonly [Settings["theme"], string][] = [
  ["dark", "Dark"],
  ["light", "Light"],
  ["system", "As the system"],
];

export function SettingsDialog({ close }: { readonly close: () => void }) {
  const { theme, autosave, snap, minimap } = useSettings();
  return (
    <Dialog title="Settings" size="small" onClose={close}>
      <fieldset className="choices">
        <legend>Theme</legend>
        {themes.map(([value, label]) => (
          <label key={value}>
            <input
              type="radio"
              name="theme"
              checked={theme === value}
              onChange={() => changeSettings({ theme: value })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <label className="check">
        <input
          type="checkbox"
          checked={autosave}
          onChange={(event) => changeSettings({ autosave: event.target.checked })}
        />
        <span>
          Save by itself
          <small>Once a flow was saved, every change follows. Running uses what is on the canvas in any case.</small>
        </span>
      </label>
      <label className="check">
        <input type="checkbox" checked={snap} onChange={(event) => changeSettings({ snap: event.target.checked })} />
        <span>Snap nodes to the grid</span>
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={minimap}
          onChange={(event) => changeSettings({ minimap: event.target.checked })}
        />
        <span>Mini map</span>
      </label>
    </Dialog>
  );
}
