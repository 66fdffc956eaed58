/** The editor's page: bar, library, canvas, details, panel; and what works in the background of all of them. */
import { ReactFlowProvider } from "@xyflow/react";
import { useEffect } from "react";
import { Canvas } from "./canvas/canvas.tsx";
import { RunDialogs } from "./run/index.ts";
import { startAutosave } from "./shell/autosave.ts";
import { BottomPanel } from "./shell/bottom-panel.tsx";
import { Dialogs } from "./shell/dialogs.tsx";
import { openFirst, openFlow } from "./shell/flow-actions.ts";
import { flowInAddress } from "./shell/flow-address.ts";
import { startValidation } from "./shell/live-validation.ts";
import { Palette } from "./shell/palette.tsx";
import { QuestionDialog } from "./shell/question-dialog.tsx";
import { SidePanel } from "./shell/side-panel.tsx";
import { Toasts } from "./shell/toasts.tsx";
import { TopBar } from "./shell/top-bar.tsx";
import { useKeyboard } from "./shell/use-keyboard.ts";
import { useTheme } from "./shell/use-theme.ts";
import { useCatalog } from "./stores/catalog-store.ts";
import { useSession } from "./stores/session-store.ts";
import { useSettings } from "./stores/settings-store.ts";

let isOpened = false;

/** Once per page, however often React mounts the app. */
async function openPage(): Promise<void> {
  if (isOpened) return;
  isOpened = true;
  await useCatalog.getState().load();
  await openFirst(flowInAddress());
}

export function App() {
  const { palette, side } = useSettings();
  useTheme();
  useKeyboard();
  useEffect(() => void openPage(), []);
  useEffect(startValidation, []);
  useEffect(startAutosave, []);
  // Who comes back to the tab may have started an actor of their own meanwhile.
  useEffect(() => {
    const reload = () => void useCatalog.getState().load();
    window.addEventListener("focus", reload);
    return () => window.removeEventListener("focus", reload);
  }, []);
  // Somebody wrote another flow into the address, or went back to one.
  useEffect(() => {
    const follow = () => {
      const name = flowInAddress();
      if (name !== undefined && name !== useSession.getState().savedAs) void openFlow(name);
    };
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return (
    <ReactFlowProvider>
      <div className="app" data-palette={palette} data-side={side}>
        <TopBar />
        {palette ? <Palette /> : null}
        <main className="stage">
          <Canvas />
          <BottomPanel />
        </main>
        {side ? <SidePanel /> : null}
      </div>
      <Dialogs />
      <RunDialogs />
      <QuestionDialog />
      <Toasts />
    </ReactFlowProvider>
  );
}
