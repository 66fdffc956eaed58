/** All that a node's file needs: the one module that `nodes/` imports, and what `import … from "rayflow"` gives authors. */
export { z } from "zod";
export {
  apiSchema,
  type Duration,
  duration,
  durationMs,
  fits,
  parsePinType,
  RayflowError,
  toErrorInfo,
  valueFits,
} from "../flow/index.ts";
export { isPublishable, safeToken } from "../nats/index.ts";
export { defineControl, defineNode, isNodeDefinition, take } from "./define-node.ts";
export type { Limits, ModelAccess, ModelEndpoint, ModelSettings, TenantLimits } from "./model-access.ts";
export type {
  ControlSpec,
  NodeContext,
  NodeDefinition,
  NodeLog,
  NodeOutcome,
  NodeResources,
  NodeSpec,
  PinSchemas,
  Published,
  Taken,
  VariableScope,
  Variables,
} from "./node-definition.ts";
export { any, bool, dict, float, int, list, str } from "./pins.ts";
