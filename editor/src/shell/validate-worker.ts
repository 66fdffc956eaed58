/** The engine's validator off the main thread: a flow of thousands of nodes is checked while it is drawn. */
import { checkFlow, type FlowIssue, type NodeType } from "../../../flow/index.ts";

export interface ValidateRequest {
  readonly id: number;
  readonly flow: unknown;
  /** Only when they are not those of the last request. */
  readonly types?: readonly NodeType[];
}

export interface ValidateAnswer {
  readonly id: number;
  readonly errors: readonly FlowIssue[];
  readonly warnings: readonly FlowIssue[];
}

let known = new Map<string, NodeType>();

self.onmessage = ({ data: { id, flow, types } }: MessageEvent<ValidateRequest>) => {
  if (types !== undefined) known = new Map(types.map((type) => [type.type, type]));
  const { errors, warnings } = checkFlow(flow, known);
  self.postMessage({ id, errors, warnings } satisfies ValidateAnswer);
};
