/**
 * Checks the flow whenever it has changed and nobody has touched it for a moment.
 *
 * L1. One question at a time; what changes meanwhile is asked about after the answer.
 * L2. An answer counts as current only if nothing has changed since its question.
 */
import type { NodeTypes } from "../../../flow/index.ts";
import { writeFlow } from "../model/write-flow.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { useDocument } from "../stores/document-store.ts";
import { setProblems, useProblems } from "../stores/problems-store.ts";
import type { ValidateAnswer, ValidateRequest } from "./validate-worker.ts";

/** Who checks flows: takes one question after the other, and answers each. */
export interface Checker {
  postMessage(request: ValidateRequest): void;
  onmessage: ((message: MessageEvent<ValidateAnswer>) => void) | null;
  terminate(): void;
}

const QUIET_MS = 120;

/** Begins to check; gives the function that ends it. */
export function startValidation(worker: Checker = validateWorker()): () => void {
  let sentTypes: NodeTypes | undefined;
  /** Of flow and types together: grows with every change. */
  let version = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isBusy = false;
  let isStale = false;

  const send = () => {
    if (isBusy) {
      isStale = true;
      return;
    }
    const { types, status } = useCatalog.getState();
    if (status !== "ready") return;
    isBusy = true;
    isStale = false;
    const flow = writeFlow(useDocument.getState().document);
    const request: ValidateRequest = {
      version,
      flow,
      ...(sentTypes === types ? {} : { types: [...types.values()] }),
    };
    sentTypes = types;
    worker.postMessage(request);
  };
  const soon = () => {
    useProblems.setState({ current: false });
    clearTimeout(timer);
    timer = setTimeout(send, QUIET_MS);
  };
  const changed = () => {
    version += 1;
    soon();
  };
  worker.onmessage = ({ data }) => {
    isBusy = false;
    // An empty canvas is a beginning, not a mistake: its hint says what to do.
    const isEmpty = useDocument.getState().document.nodes.length === 0;
    const isCurrent = data.version === version;
    setProblems(isEmpty ? [] : data.errors, isEmpty ? [] : data.warnings, isCurrent);
    if (isStale) soon();
  };
  const stops = [
    useDocument.subscribe((now, before) => {
      if (now.document !== before.document) changed();
    }),
    useCatalog.subscribe((now, before) => {
      if (now.types !== before.types) changed();
    }),
  ];
  changed();
  return () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
    worker.terminate();
  };
}

function validateWorker(): Checker {
  return new Worker(new URL("./validate-worker.ts", import.meta.url), { type: "module" });
}
