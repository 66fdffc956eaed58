import { Dialog } from "./dialog.tsx";
import { writtenKeys } from "./shortcut-keys.ts";
import { gestures, shortcutGroups } from "./shortcuts.ts";

export function HelpSheet({ close }: { readonly close: () => void }) {
  return (
    <Dialog title="Keys and gestures" size="large" onClose={close}>
      <div className="help-groups">
        {shortcutGroups.map((group) => (
          <section key={group.title}>
            <h3>{group.title}</h3>
            <dl>
              {group.shortcuts.map(({ keys, title }) => (
                <div key={title}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{writtenKeys(key)}</kbd>
                    ))}
                  </dt>
                  <dd>{title}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Gestures</h3>
          <dl>
            {gestures.map(([gesture, title]) => (
              <div key={gesture}>
                <dt>{gesture}</dt>
                <dd>{title}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
