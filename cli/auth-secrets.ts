/** The secrets of rendered users: made once, kept in a folder that only its owner reads, found again the next time. */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { hashSync } from "bcryptjs";
import { RayflowError } from "../flow/index.ts";
import type { Secret } from "../nats/index.ts";

export type SecretKind = "nkey" | "password";

/** What `nats server passwd` takes, and more than a server notices at each connection. */
const BCRYPT_COST = 11;
const PUBLIC_NKEY = /^U[A-Z2-7]{55}$/;
const BCRYPT = /^\$2[aby]\$\d\d\$.{53}$/;

export interface KeptSecret {
  readonly secret: Secret;
  /** Where the user's process finds its part; undefined: it was given, and this process has never seen it. */
  readonly file: string | undefined;
}

/** A secret that somebody made elsewhere: an nkey's public part, or a password's bcrypt hash. @throws UsageError */
export function givenSecret(user: string, text: string): KeptSecret {
  if (PUBLIC_NKEY.test(text)) return { secret: { kind: "nkey", publicKey: text }, file: undefined };
  if (BCRYPT.test(text)) return { secret: { kind: "password", bcrypt: text }, file: undefined };
  throw new RayflowError("UsageError", `--credential ${user}=...: neither a user's public nkey nor a bcrypt hash`);
}

/** The user's secret in this folder; made when there is none. */
export function keepSecret(folder: string, user: string, kind: SecretKind): KeptSecret {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return kind === "nkey" ? keepNkey(folder, user) : keepPassword(folder, user);
}

function keepNkey(folder: string, user: string): KeptSecret {
  const file = path.join(folder, `${user}.nk`);
  const seed = readOr(file, () => new TextDecoder().decode(nkeys.createUser().getSeed()));
  try {
    const publicKey = nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
    return { secret: { kind: "nkey", publicKey }, file };
  } catch (cause) {
    throw new RayflowError("UsageError", `the file ${file} holds no nkey seed`, { cause });
  }
}

/** The hash lies beside the password, so that the same configuration comes out again. */
function keepPassword(folder: string, user: string): KeptSecret {
  const file = path.join(folder, `${user}.password`);
  const password = readOr(file, () => randomBytes(24).toString("base64url"));
  const bcrypt = readOr(path.join(folder, `${user}.bcrypt`), () => hashSync(password, BCRYPT_COST));
  return { secret: { kind: "password", bcrypt }, file };
}

function readOr(file: string, make: () => string): string {
  try {
    const found = readFileSync(file, "utf8").trim();
    if (found !== "") return found;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  const made = make();
  writeFileSync(file, `${made}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return made;
}
