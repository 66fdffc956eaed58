/** Variables of everybody, of a flow, of a run. */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { RayflowError } from "../../flow/index.ts";
import type { VariableOwner } from "../../store/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import { ownerOf } from "../variable-owner.ts";
import { conditionHeaders, etag, expectedRevision } from "./conditional.ts";
import type { Operations } from "./operation.ts";

const variable = z.object({ name: z.string(), value: z.unknown(), revision: z.number().int() });
const name = z.string().min(1).max(500);
const owned = z.object({ owner: z.string().min(1).max(200), name });
const tag = "variables";

/** The three ways to name a variable; its scope is in the path. */
const places = [
  { path: "/api/variables/global/{name}", suffix: "GlobalVariable", whose: "everybody's" },
  { path: "/api/variables/flow/{owner}/{name}", suffix: "FlowVariable", whose: "a flow's" },
  { path: "/api/variables/run/{owner}/{name}", suffix: "RunVariable", whose: "a run's" },
] as const;

export function addVariableRoutes(operations: Operations, { variables }: GatewayParts): void {
  operations.add(
    {
      method: "get",
      path: "/api/variables",
      id: "listVariables",
      tag,
      summary: "List the variables of a scope",
      query: z.object({
        scope: z.string().max(250).default("global").openapi({ description: "global, flow:<name> or run:<id>" }),
      }),
      answers: { 200: { description: "By name", schema: z.object({ variables: z.array(variable) }) } },
    },
    async ({ c, query }) => {
      const found = await variables.listEntries(ownerOf(query.scope));
      const listed = [...found].map(([name, entry]) => ({ name, ...entry }));
      return c.json({ variables: listed.sort((a, b) => (a.name < b.name ? -1 : 1)) });
    },
  );
  for (const { path, suffix, whose } of places) {
    const scope = path.split("/")[3] ?? "";
    const params = scope === "global" ? z.object({ name }) : owned;
    const ownerIn = (given: { name: string; owner?: string }): VariableOwner => ownerOf(scope, given.owner);
    operations.add(
      {
        method: "get",
        path,
        id: `get${suffix}`,
        tag,
        summary: `Get one of ${whose} variables`,
        params,
        answers: { 200: { description: "ETag is the revision", schema: variable } },
      },
      async ({ c, params: given }) => {
        const found = await variables.getEntry(ownerIn(given), given.name);
        if (found === undefined) throw notSet(given.name);
        return variableAnswer(c, given.name, found.value, found.revision);
      },
    );
    operations.add(
      {
        method: "put",
        path,
        id: `set${suffix}`,
        tag,
        summary: `Set one of ${whose} variables`,
        params,
        headers: conditionHeaders,
        body: z.object({ value: z.unknown() }),
        answers: { 200: { description: "ETag is the new revision", schema: variable } },
      },
      async ({ c, params: given, body }) => {
        if (body.value === undefined) throw new RayflowError("ValidationError", "body.value: there is none");
        const revision = await variables.set(ownerIn(given), given.name, body.value, expectedRevision(c));
        return variableAnswer(c, given.name, body.value, revision);
      },
    );
    operations.add(
      {
        method: "delete",
        path,
        id: `delete${suffix}`,
        tag,
        summary: `Delete one of ${whose} variables`,
        params,
        headers: conditionHeaders,
        answers: { 204: { description: "Gone" } },
      },
      async ({ c, params: given }) => {
        if (!(await variables.delete(ownerIn(given), given.name, expectedRevision(c)))) throw notSet(given.name);
        return c.body(null, 204);
      },
    );
  }
}

function variableAnswer(c: Context, name: string, value: unknown, revision: number): Response {
  return c.json({ name, value, revision }, 200, { ETag: etag(revision) });
}

function notSet(name: string): RayflowError {
  return new RayflowError("VariableNotFound", `the variable ${JSON.stringify(name.slice(0, 100))} is not set`);
}
