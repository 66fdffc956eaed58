/** Binds the shortcuts and the clipboard to the page. */
import { useEffect } from "react";
import { copySelection, deleteSelection, pasteFlow } from "../canvas/edit-actions.ts";
import { viewport } from "../canvas/viewport.ts";
import { toast } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { isPressed, isTyping } from "./shortcut-keys.ts";
import { shortcutGroups } from "./shortcuts.ts";

const shortcuts = shortcutGroups.flatMap((group) => group.shortcuts);

export function useKeyboard(): void {
  useEffect(() => {
    // Where the pointer was last: what is pasted comes to lie there.
    let pointer = { x: 0, y: 0 };
    const onMove = (event: MouseEvent) => {
      pointer = { x: event.clientX, y: event.clientY };
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isModal()) return;
      const found = shortcuts.find(({ keys }) => keys.some((key) => isPressed(key, event)));
      if (found === undefined || (isTyping(event) && found.always !== true)) return;
      if (isButton(event) && /^(Enter| )$/.test(event.key)) return;
      event.preventDefault();
      found.run();
    };
    const onCopy = (event: ClipboardEvent) => {
      if (isTyping(event) || isModal() || hasTextSelection()) return;
      const text = copySelection();
      if (text === undefined) return;
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
      if (event.type === "cut") deleteSelection();
    };
    const onPaste = (event: ClipboardEvent) => {
      if (isTyping(event) || isModal()) return;
      const text = event.clipboardData?.getData("text/plain") ?? "";
      const view = viewport();
      if (text === "" || view === undefined) return;
      event.preventDefault();
      const overCanvas = document.elementFromPoint(pointer.x, pointer.y)?.closest(".react-flow") != null;
      if (!pasteFlow(text, overCanvas ? view.toFlow(pointer) : view.center())) {
        toast("info", "What is on the clipboard is no flow");
      }
    };
    window.addEventListener("keydown", onKey);
    window.addEventListener("mousemove", onMove, { passive: true });
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCopy);
    document.addEventListener("paste", onPaste);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.removeEventListener("mousemove", onMove);
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCopy);
      document.removeEventListener("paste", onPaste);
    };
  }, []);
}

function isModal(): boolean {
  return document.querySelector("dialog[open]") !== null || useView.getState().search !== undefined;
}

function isButton({ target }: Event): boolean {
  return target instanceof HTMLElement && target.closest("button, a, summary, [role=option]") !== null;
}

function hasTextSelection(): boolean {
  return (getSelection()?.toString() ?? "") !== "";
}
