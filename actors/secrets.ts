/**
 * Secrets of a deployment, as node code gets them: from the environment or from a folder of files, as Kubernetes mounts
 * them. A reference is resolved here, right before node code runs, and what leaves node code is masked.
 *
 * S1. Only references in config and in constants count. Data that looks like one stays data: what comes from outside
 *     must not be able to ask for secrets.
 * S2. Where it is said which types may have which secrets, no other gets any.
 * S3. No error, log line or span says a secret; it may say a name.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RayflowError, replaceSecrets } from "../flow/index.ts";
import type { DispatchEntry } from "../nats/index.ts";
import { type Mask, maskOf } from "./secret-mask.ts";

export interface SecretOptions {
  /** By name as in the environment: `API_KEY` is what a flow calls `api_key` or `api-key`. Default: none. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** One file for each. Goes before the environment. Default: none. */
  readonly folder?: string | undefined;
  /** Node type to the secrets it may have; `*` stands for all. Default: each may have all. */
  readonly allowed?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** Inputs and config of an execution with its secrets in them. */
export interface Opened {
  readonly inputs: Record<string, unknown>;
  readonly config: Record<string, unknown>;
  readonly mask: Mask;
}

/** Shorter ones cannot be masked without making nonsense of everything. */
const MIN_LENGTH = 4;
const MAX_BYTES = 1024 * 1024;

export class Secrets {
  readonly #options: SecretOptions;

  constructor(options: SecretOptions) {
    this.#options = options;
  }

  /** @throws SecretNotFound, SecretNotAllowed */
  async open(
    type: string,
    entry: Pick<DispatchEntry, "config" | "secrets">,
    inputs: Record<string, unknown>,
  ): Promise<Opened> {
    const pins = new Set(entry.secrets);
    const literals = Object.fromEntries(Object.entries(inputs).filter(([pin]) => pins.has(pin)));
    const names = new Set<string>();
    replaceSecrets([entry.config, literals], (name) => names.add(name));
    const values = new Map<string, string>();
    for (const name of names) values.set(name, await this.#read(type, name));
    const put = <T>(value: T): T => replaceSecrets(value, (name) => values.get(name)) as T;
    return { inputs: { ...inputs, ...put(literals) }, config: put(entry.config), mask: maskOf([...values.values()]) };
  }

  async #read(type: string, name: string): Promise<string> {
    const { allowed, folder, environment = {} } = this.#options;
    if (allowed !== undefined) {
      const own = [...(Object.hasOwn(allowed, type) ? (allowed[type] ?? []) : []), ...(allowed["*"] ?? [])];
      if (!own.includes(name) && !own.includes("*")) throw notAllowed(`${type} may not have the secret "${name}"`);
    }
    const variable = name.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    const value = (folder === undefined ? undefined : await fromFile(folder, name)) ?? own(environment, variable);
    if (value === undefined) {
      throw new RayflowError(
        "SecretNotFound",
        `there is no secret "${name}": set RAYFLOW_SECRET_${variable} where the actor runs, or put a file ${name} into its --secrets-dir`,
      );
    }
    if (value.length < MIN_LENGTH) throw notAllowed(`the secret "${name}" is shorter than ${MIN_LENGTH} characters`);
    return value;
  }
}

/** Without the newline at its end, which editors put there. Undefined: there is no such file. */
async function fromFile(folder: string, name: string): Promise<string | undefined> {
  const bytes = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "EISDIR") return undefined;
    throw notAllowed(`the secret "${name}" cannot be read (${error.code ?? "unknown"})`);
  });
  if (bytes !== undefined && bytes.length > MAX_BYTES) throw notAllowed(`the secret "${name}" is larger than 1 MiB`);
  return bytes?.toString("utf8").replace(/\r?\n$/, "");
}

function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function notAllowed(message: string): RayflowError {
  return new RayflowError("SecretNotAllowed", message);
}
