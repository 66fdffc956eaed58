/** Checks the flow whenever it has changed and nobody has touched it for a moment. */
import type { NodeTypes } from "../../../flow/index.ts";
import { writeFlow } from "../model/write-flow.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { useDocument } from "../stores/document-store.ts";
import { setProblems, useProblems } from "../stores/problems-store.ts";
import type { ValidateAnswer, ValidateRequest } from "./validate-worker.ts";

const QUIET_MS = 120;

/** Begins to check; gives the function that ends it. */
export function startValidation(): () => void {
  const worker = new Worker(new URL("./validate-worker.ts", import.meta.url), { type: "module" });
  let sentTypes: NodeTypes | undefined;
  let lastId = 0;
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
      id: ++lastId,
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
  worker.onmessage = ({ data }: MessageEvent<ValidateAnswer>) => {
    isBusy = false;
    // An empty canvas is a beginning, not a mistake: its hint says what to do.
    const isEmpty = useDocument.getState().document.nodes.length === 0;
    setProblems(isEmpty ? [] : data.errors, isEmpty ? [] : data.warnings);
    if (isStale) soon();
  };
  const stops = [
    useDocument.subscribe((now, before) => {
      if (now.document !== before.document) soon();
    }),
    useCatalog.subscribe((now, before) => {
      if (now.types !== before.types) soon();
    }),
  ];
  soon();
  return () => {
    clearTimeout(timer);
    for (const stop of stops) stop();
    worker.terminate();
  };
}
