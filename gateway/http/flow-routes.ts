/** Flows: working copies, deployment, versions, validation. */
import { z } from "@hono/zod-openapi";
import { checkFlow, flowIssue } from "../../flow/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { conditionHeaders, etag, expectedRevision, mustBeNew } from "./conditional.ts";
import type { Operations } from "./operation.ts";

const named = z.object({ name: z.string().min(1).max(100) });
const jsonObject = z.record(z.string(), z.unknown());
const version = z.string().openapi({ description: "Hash of the deployed content" });
const revision = z.number().int().openapi({ description: "Of the working copy; 0 when there is none" });

const flowListing = z.object({
  name: z.string(),
  status: z.enum(["draft", "deployed", "changed"]),
  version: version.optional(),
  revision: revision.optional(),
  saved_at: z.string().optional(),
  deployed_at: z.string().optional(),
  nodes: z.number().int(),
});
const flowContent = z.object({
  name: z.string(),
  flow: jsonObject,
  revision,
  version: version.optional(),
  saved_at: z.string().optional(),
});
const deployment = z.object({
  name: z.string(),
  version,
  changed: z.boolean(),
  warnings: z.array(flowIssue),
});
const validation = z.object({ valid: z.boolean(), errors: z.array(flowIssue), warnings: z.array(flowIssue) });
const tag = "flows";

export function addFlowRoutes(operations: Operations, parts: GatewayParts): void {
  const { flows } = parts;
  operations.add(
    {
      method: "post",
      path: "/api/flows/validate",
      id: "validateFlow",
      tag,
      summary: "Check a flow",
      description: "Any of the shapes that are read. Lists all findings at once.",
      body: z.looseObject({}),
      answers: { 200: { description: "What was found", schema: validation } },
    },
    ({ c, body }) => {
      const { valid, errors, warnings } = checkFlow(body, parts.types);
      return c.json({ valid, errors, warnings });
    },
  );
  operations.add(
    {
      method: "get",
      path: "/api/flows",
      id: "listFlows",
      tag,
      summary: "List saved and deployed flows",
      answers: { 200: { description: "By name", schema: z.object({ flows: z.array(flowListing) }) } },
    },
    async ({ c }) => c.json({ flows: await flows.list() }),
  );
  operations.add(
    {
      method: "get",
      path: "/api/flows/{name}",
      id: "getFlow",
      tag,
      summary: "Get a flow",
      description: "The working copy, else what is deployed; or the version asked for.",
      params: named,
      query: z.object({ version: z.string().min(1).max(100).optional() }),
      answers: { 200: { description: "ETag is the revision", schema: flowContent } },
    },
    async ({ c, params, query }) => {
      const found = await flows.get(params.name, query.version);
      return c.json(found, 200, { ETag: etag(found.revision) });
    },
  );
  operations.add(
    {
      method: "put",
      path: "/api/flows/{name}",
      id: "saveFlow",
      tag,
      summary: "Save the working copy, valid or not",
      params: named,
      headers: conditionHeaders,
      body: z.object({ flow: jsonObject }),
      answers: {
        200: {
          description: "ETag is the new revision",
          schema: z.object({ name: z.string(), revision, saved_at: z.string(), nodes: z.number().int() }),
        },
      },
    },
    async ({ c, params, body }) => {
      const saved = mustBeNew(c)
        ? await flows.create(params.name, body.flow)
        : await flows.save(params.name, body.flow, expectedRevision(c));
      const { name, revision, nodes } = saved;
      const saved_at = new Date(saved.savedMs).toISOString();
      return c.json({ name, revision, saved_at, nodes }, 200, { ETag: etag(revision) });
    },
  );
  operations.add(
    {
      method: "delete",
      path: "/api/flows/{name}",
      id: "deleteFlow",
      tag,
      summary: "Delete the working copy and the deployment",
      description: "Versions that were deployed stay for the runs that are pinned to them.",
      params: named,
      headers: conditionHeaders,
      answers: { 204: { description: "Gone" } },
    },
    async ({ c, params }) => {
      await flows.delete(params.name, expectedRevision(c));
      return c.body(null, 204);
    },
  );
  operations.add(
    {
      method: "post",
      path: "/api/flows/{name}/deploy",
      id: "deployFlow",
      tag,
      summary: "Deploy the working copy, or an earlier version again",
      params: named,
      headers: conditionHeaders,
      body: z.object({ version: z.string().min(1).max(100).optional() }),
      answers: { 200: { description: "What runs now", schema: deployment } },
    },
    async ({ c, params, body }) =>
      c.json(
        body.version === undefined
          ? await flows.deploy(params.name, parts.types, expectedRevision(c))
          : await flows.activate(params.name, body.version),
      ),
  );
  operations.add(
    {
      method: "get",
      path: "/api/flows/{name}/versions",
      id: "listFlowVersions",
      tag,
      summary: "List the deployed versions, newest first",
      params: named,
      answers: {
        200: {
          description: "None when it was never deployed",
          schema: z.object({
            versions: z.array(
              z.object({ version, label: z.string().optional(), deployed_at: z.string(), current: z.boolean() }),
            ),
          }),
        },
      },
    },
    async ({ c, params }) => c.json({ versions: await flows.versions(params.name) }),
  );
}
