/**
 * `rayflow.svc.flows.*`, `rayflow.svc.nodes.list` and `rayflow.svc.variables.*`: what the HTTP API does with them, for
 * programs on NATS. `revision` is what `If-Match` is there.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import type { MicroEndpoint } from "../nats/index.ts";
import type { VariableOwner } from "../store/index.ts";
import { type GatewayParts, openParts } from "./gateway-parts.ts";
import { jsonEndpoint } from "./json-endpoint.ts";
import { listNodes } from "./node-list.ts";
import { ownerOf } from "./variable-owner.ts";

const revision = z.number().int().nonnegative().optional();
const named = z.strictObject({ name: z.string().min(1).max(500) });
const scope = z.string().max(250).default("global");
const variable = named.extend({ scope });
const jsonObject = z.record(z.string(), z.unknown());

export interface LibraryService extends Disposable {
  readonly endpoints: readonly MicroEndpoint[];
}

/** The endpoints for `startMicroService`. What they need is opened when it is asked for. */
export function libraryService(nc: NatsConnection): LibraryService {
  let opening: Promise<GatewayParts> | undefined;
  const open = (): Promise<GatewayParts> => {
    opening ??= openParts(nc).catch((error) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    endpoints: [...flowEndpoints(nc, open), ...variableEndpoints(nc, open)],
    [Symbol.dispose]: () => {
      void opening?.then((parts) => parts[Symbol.dispose]()).catch(() => {});
    },
  };
}

type Open = () => Promise<GatewayParts>;

function flowEndpoints(nc: NatsConnection, open: Open): MicroEndpoint[] {
  return [
    jsonEndpoint(nc, {
      path: ["flows", "list"],
      description: "{}: saved and deployed flows, by name",
      request: z.strictObject({}),
      handle: async () => ({ flows: await (await open()).flows.list() }),
    }),
    jsonEndpoint(nc, {
      path: ["flows", "get"],
      description: "{name, version?}: the working copy, else what is deployed; or that version",
      request: named.extend({ version: z.string().optional() }),
      handle: async ({ name, version }) => (await open()).flows.get(name, version),
    }),
    jsonEndpoint(nc, {
      path: ["flows", "save"],
      description: "{name, flow, revision?}: keeps the working copy, valid or not",
      request: named.extend({ flow: jsonObject, revision }),
      handle: async ({ name, flow, revision: expected }) => {
        const saved = await (await open()).flows.save(name, flow, expected);
        return { name, revision: saved.revision, nodes: saved.nodes };
      },
    }),
    jsonEndpoint(nc, {
      path: ["flows", "deploy"],
      description: "{name, revision?, version?}: deploys the working copy, or an earlier version again",
      request: named.extend({ revision, version: z.string().optional() }),
      handle: async ({ name, revision: expected, version }) => {
        const { flows, types } = await open();
        return version === undefined ? flows.deploy(name, types, expected) : flows.activate(name, version);
      },
    }),
    jsonEndpoint(nc, {
      path: ["flows", "delete"],
      description: "{name, revision?}: the working copy and the deployment",
      request: named.extend({ revision }),
      handle: async ({ name, revision: expected }) => {
        await (await open()).flows.delete(name, expected);
        return { name, deleted: true };
      },
    }),
    jsonEndpoint(nc, {
      path: ["flows", "versions"],
      description: "{name}: the deployed versions, newest first",
      request: named,
      handle: async ({ name }) => ({ versions: await (await open()).flows.versions(name) }),
    }),
    jsonEndpoint(nc, {
      path: ["nodes", "list"],
      description: "{}: the node types that flows may use",
      request: z.strictObject({}),
      handle: async () => ({ nodes: listNodes(await open()) }),
    }),
  ];
}

function variableEndpoints(nc: NatsConnection, open: Open): MicroEndpoint[] {
  const owner = (text: string): VariableOwner => ownerOf(text);
  return [
    jsonEndpoint(nc, {
      path: ["variables", "list"],
      description: "{scope?}: variables of global, flow:<name> or run:<id>",
      request: z.strictObject({ scope }),
      handle: async (request) => {
        const found = await (await open()).variables.listEntries(owner(request.scope));
        return { variables: [...found].map(([name, entry]) => ({ name, ...entry })) };
      },
    }),
    jsonEndpoint(nc, {
      path: ["variables", "get"],
      description: "{scope?, name}",
      request: variable,
      handle: async (request) => {
        const found = await (await open()).variables.getEntry(owner(request.scope), request.name);
        if (found === undefined) throw notSet(request.name);
        return { name: request.name, ...found };
      },
    }),
    jsonEndpoint(nc, {
      path: ["variables", "set"],
      description: "{scope?, name, value, revision?}",
      request: variable.extend({ value: z.unknown(), revision }),
      handle: async ({ name, value, revision: expected, ...request }) => {
        const made = await (await open()).variables.set(owner(request.scope), name, value, expected);
        return { name, value, revision: made };
      },
    }),
    jsonEndpoint(nc, {
      path: ["variables", "delete"],
      description: "{scope?, name, revision?}",
      request: variable.extend({ revision }),
      handle: async ({ name, revision: expected, ...request }) => {
        if (!(await (await open()).variables.delete(owner(request.scope), name, expected))) throw notSet(name);
        return { name, deleted: true };
      },
    }),
  ];
}

function notSet(name: string): RayflowError {
  return new RayflowError("VariableNotFound", `the variable ${JSON.stringify(name.slice(0, 100))} is not set`);
}
