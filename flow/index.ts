export {
  type BlobReference,
  type BlobType,
  blobId,
  blobReference,
  blobTypeOf,
  describeUnreadable,
  isBlobReference,
  referenceFits,
  runOfBlob,
} from "./blob-reference.ts";
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
  MAX_EDGES,
  MAX_NODES,
  MAX_VALUE_DEPTH,
  type NodePolicy,
  nodePolicy,
  type RetryPolicy,
  retryPolicy,
} from "./flow.ts";
export { flowFileSchema } from "./flow-schema.ts";
export { type Graph, type GraphEdge, type GraphInput, type GraphNode, type Region, ROOT_REGION } from "./graph.ts";
export { buildGraph, usedTypes } from "./graph-builder.ts";
export { EXEC_PIN, FINISH_PIN, type Handle, parseSourceHandle, parseTargetHandle } from "./handles.ts";
export { apiSchemaOf, type CheckedInputs, checkInputs } from "./inputs.ts";
export { errorIssueCodes, type FlowIssue, flowIssue, type IssueCode, issueCode, warningIssueCodes } from "./issue.ts";
export {
  carriedLimits,
  type Limit,
  type Limits,
  limitError,
  limitSettings,
  limitsOf,
  limitsToCarry,
  type RunLimit,
  type RunLimits,
  runLimits,
  type TenantLimit,
  tenantLimits,
} from "./limits.ts";
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
export { flowLevels, type NormalizedFlow, normalizeFlow } from "./normalize.ts";
export { fits, formatPinType, type PinType, parsePinType, valueFits } from "./pin-type.ts";
export { ERROR_PIN, type InputPin, type NodePins, resolvePins } from "./pins.ts";
export {
  holdsSecret,
  isSecretReference,
  replaceSecrets,
  type SecretReference,
  secretsAsText,
} from "./secret-reference.ts";
export { didYouMean, listNames } from "./suggest.ts";
export {
  lastDue,
  nextDue,
  type ReadTriggers,
  readTriggers,
  type ScheduledTrigger,
  type SubjectTrigger,
  type Trigger,
  trigger,
  triggersOf,
  type VariableTrigger,
} from "./trigger.ts";
export { canonicalType } from "./type-alias.ts";
export { type CheckedFlow, checkFlow, type ValidationResult, validateFlow } from "./validator.ts";
