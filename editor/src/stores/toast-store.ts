/** Short messages that come and go. */
import { create } from "zustand";

export interface Toast {
  readonly id: number;
  readonly tone: "info" | "success" | "error";
  readonly text: string;
}

const SHOWN_MS = { info: 4_000, success: 3_000, error: 8_000 } as const;
const MOST = 4;

interface ToastState {
  readonly toasts: readonly Toast[];
}

export const useToasts = create<ToastState>()(() => ({ toasts: [] }));
let nextId = 1;

export function toast(tone: Toast["tone"], text: string): void {
  const id = nextId++;
  useToasts.setState(({ toasts }) => ({
    toasts: [...toasts.filter((one) => one.text !== text), { id, tone, text }].slice(-MOST),
  }));
  setTimeout(() => dismissToast(id), SHOWN_MS[tone]);
}

export function dismissToast(id: number): void {
  useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((one) => one.id !== id) }));
}

/** What an error says to a person. */
export function toastError(what: string, error: unknown): void {
  toast("error", `${what}: ${error instanceof Error ? error.message : String(error)}`);
}
