/** The panel on the right: the selected node, the variables, the flow itself. */
import { FlowSettings } from "../inspector/flow-settings.tsx";
import { Inspector } from "../inspector/inspector.tsx";
import { VariablesPanel } from "../inspector/variables-panel.tsx";
import { type SideTab, useView } from "../stores/view-store.ts";

const tabs: readonly [SideTab, string][] = [
  ["inspector", "Inspector"],
  ["variables", "Variables"],
  ["flow", "Flow"],
];

export function SidePanel() {
  const tab = useView((view) => view.sideTab);
  const showTab = useView((view) => view.showTab);
  return (
    <aside className="side-panel" aria-label="Details">
      <div className="tabs" role="tablist" aria-label="Details">
        {tabs.map(([name, title]) => (
          <button key={name} type="button" role="tab" aria-selected={tab === name} onClick={() => showTab(name)}>
            {title}
          </button>
        ))}
      </div>
      <div className="side-content" role="tabpanel" aria-label={tabs.find(([name]) => name === tab)?.[1]}>
        {tab === "inspector" ? <Inspector /> : tab === "variables" ? <VariablesPanel /> : <FlowSettings />}
      </div>
    </aside>
  );
}
