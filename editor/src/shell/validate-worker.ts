/** The engine's validator off the main thread: a flow of thousands of nodes is checked while it is drawn. */
import { checkFlow, type FlowIssue, type NodeType } from "../../../flow/index.ts";

export interface ValidateRequest {
  /** Of what is checked, flow and types: comes back with the answer. */
  readonly version: number;
  readonly flow: unknown;
  /** Only when they are not those of the last request. */
  readonly types?: readonly NodeType[];
}

export interface ValidateAnswer {
  readonly version: number;
  readonly errors: readonly FlowIssue[];
  readonly warnings: readonly FlowIssue[];
}

let known = new Map<string, NodeType>();

self.onmessage = ({ data: { version, flow, types } }: MessageEvent<ValidateRequest>) => {
  if (types !== undefined) known = new Map(types.map((type) => [type.type, type]));
  const { errors, warnings } = checkFlow(flow, known);
  self.postMessage({ version, errors, warnings } satisfies ValidateAnswer);
};
