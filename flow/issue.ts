/** What the validator reports: an issue that names its node or edge and says what to do. */
import { z } from "zod";

/** Issues with these codes make a flow invalid. */
export const errorIssueCodes = [
  "MISSING_FIELD",
  "BAD_ID",
  "DUPLICATE_ID",
  "NO_START",
  "MULTIPLE_START",
  "NO_RETURN",
  "RETURN_UNREACHABLE",
  "UNREACHABLE_NODE",
  "UNKNOWN_NODE",
  "UNKNOWN_NODE_TYPE",
  "UNKNOWN_PIN",
  "KIND_MISMATCH",
  "TYPE_MISMATCH",
  "DUPLICATE_INPUT_EDGE",
  "EXEC_CYCLE",
  "DATA_CYCLE",
  "LOOP_BODY",
  "MISSING_INPUT",
  "BAD_CONFIG",
  "LIMIT",
] as const;

/** Issues with these codes are worth a look; the flow runs all the same. */
export const warningIssueCodes = ["UNKNOWN_KEY", "MAY_BE_SKIPPED", "UNUSED_NODE"] as const;

export const issueCode = z.enum([...errorIssueCodes, ...warningIssueCodes]);
export type IssueCode = z.infer<typeof issueCode>;
type ErrorIssueCode = (typeof errorIssueCodes)[number];
type WarningIssueCode = (typeof warningIssueCodes)[number];

export const flowIssue = z.object({
  code: issueCode,
  message: z.string(),
  node_id: z.string().optional(),
  edge_id: z.string().optional(),
  /** Where in the node, or in the file: `inputs.x`, `constants.x`, `config.operator`, `nodes[3]`. */
  path: z.string().optional(),
});
export type FlowIssue = z.infer<typeof flowIssue>;

export interface IssuePlace {
  readonly node_id?: string | undefined;
  readonly edge_id?: string | undefined;
  readonly path?: string | undefined;
}

/** Collects issues in the order they are found. */
export interface IssueLog {
  readonly errors: FlowIssue[];
  readonly warnings: FlowIssue[];
  error(code: ErrorIssueCode, message: string, place?: IssuePlace): void;
  warn(code: WarningIssueCode, message: string, place?: IssuePlace): void;
}

export function issueLog(): IssueLog {
  const errors: FlowIssue[] = [];
  const warnings: FlowIssue[] = [];
  return {
    errors,
    warnings,
    error: (code, message, place = {}) => errors.push(issue(code, message, place)),
    warn: (code, message, place = {}) => warnings.push(issue(code, message, place)),
  };
}

function issue(code: IssueCode, message: string, place: IssuePlace): FlowIssue {
  return {
    code,
    message,
    ...(place.node_id === undefined ? {} : { node_id: place.node_id }),
    ...(place.edge_id === undefined ? {} : { edge_id: place.edge_id }),
    ...(place.path === undefined ? {} : { path: place.path }),
  };
}
