/** Who a connection says it is: a credentials file, an nkey, a user; and under which prefix it gets its answers. */
import { readFile } from "node:fs/promises";
import { type Authenticator, credsAuthenticator, nkeyAuthenticator, nkeys } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { inboxPrefixOf } from "./roles.ts";

export interface CredentialOptions {
  /** Path of a credentials file: a user's JWT and its seed. */
  readonly creds?: string;
  /** Path of a file that holds an nkey seed. */
  readonly nkey?: string;
  readonly user?: string;
  /** Default: `_INBOX.<user>`, the user being that of `user`, of the credentials' JWT, or the nkey's public key. */
  readonly inboxPrefix?: string;
}

export interface Credentials {
  readonly authenticator: Authenticator | undefined;
  readonly inboxPrefix: string | undefined;
}

/** @throws ConnectionFailed when a file cannot be read or holds no key */
export async function readCredentials(options: CredentialOptions): Promise<Credentials> {
  const { authenticator, user } = await identify(options);
  const derived = user === undefined ? undefined : inboxPrefixOf(user);
  return { authenticator, inboxPrefix: options.inboxPrefix ?? derived };
}

async function identify(
  options: CredentialOptions,
): Promise<{ authenticator: Authenticator | undefined; user: string | undefined }> {
  if (options.creds !== undefined) {
    const bytes = await read(options.creds, "credentials file");
    return { authenticator: credsAuthenticator(bytes), user: userOfCreds(bytes.toString("utf8")) };
  }
  if (options.nkey !== undefined) {
    const seed = new TextEncoder().encode((await read(options.nkey, "nkey file")).toString("utf8").trim());
    try {
      return { authenticator: nkeyAuthenticator(seed), user: nkeys.fromSeed(seed).getPublicKey() };
    } catch (cause) {
      throw new RayflowError("ConnectionFailed", `the file ${options.nkey} holds no nkey seed`, {
        cause,
        retryable: false,
      });
    }
  }
  return { authenticator: undefined, user: options.user };
}

const claims = z.object({ name: z.string().min(1) });

/** The name in the user's JWT; undefined when there is none to be read: the server has the last word on it anyway. */
function userOfCreds(text: string): string | undefined {
  const jwt = /-----BEGIN NATS USER JWT-----\s*([^\s-][^\s]*)/.exec(text)?.[1];
  try {
    const body = Buffer.from(jwt?.split(".")[1] ?? "", "base64url").toString("utf8");
    return claims.parse(JSON.parse(body)).name;
  } catch {
    return undefined;
  }
}

async function read(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new RayflowError("ConnectionFailed", `cannot read the ${what} ${path}`, { cause, retryable: false });
  }
}
