export { type ErrorCode, type ErrorInfo, errorCodes, helpFor, RayflowError, toErrorInfo } from "./errors.ts";
export {
  type ApiSchema,
  apiField,
  apiSchema,
  type Duration,
  duration,
  durationMs,
  type ErrorStrategy,
  errorStrategy,
  type Flow,
  type FlowEdge,
  type FlowNode,
  flow,
  flowEdge,
  flowNode,
  ID_PATTERN,
  MAX_NODES,
  MAX_VALUE_DEPTH,
  type NodePolicy,
  nodePolicy,
  type RetryPolicy,
  retryPolicy,
} from "./flow.ts";
export { type Graph, type GraphEdge, type GraphInput, type GraphNode, type Region, ROOT_REGION } from "./graph.ts";
export {
  type ExecOutputs,
  execOutputs,
  type NodeKind,
  type NodeType,
  type NodeTypes,
  nodeKind,
  nodeType,
  type Pin,
  pin,
} from "./node-type.ts";
export { fits, formatPinType, type PinType, parsePinType, valueFits } from "./pin-type.ts";
