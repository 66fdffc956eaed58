/** `rayflow nats auth render`: roles as accounts, users and permissions of a nats-server. */
import path from "node:path";
import type { Command } from "commander";
import { RayflowError } from "../flow/index.ts";
import type { PlannedAccount, Role, ServerTls, WantedUser } from "../nats/index.ts";
import type { KeptSecret, SecretKind } from "./auth-secrets.ts";
import { contextOf } from "./context.ts";

interface RenderFlags {
  readonly tenant?: readonly string[];
  readonly allow?: readonly string[];
  readonly variables?: readonly string[];
  readonly credential?: readonly string[];
  readonly secrets?: string;
  readonly auth: string;
  readonly format: string;
  readonly sharedAccounts?: boolean;
  readonly maxFile?: number;
  readonly maxMemory?: number;
  readonly serverCert?: string;
  readonly serverKey?: string;
  readonly serverCa?: string;
  readonly verify?: boolean;
  readonly handshakeFirst?: boolean;
}

const DEFAULT_TENANT = "RAYFLOW";
const collect = (text: string, before: readonly string[] = []): string[] => [...before, text];

export function addAuthCommand(nats: Command): void {
  nats
    .command("auth")
    .description("who may do what on a nats-server")
    .command("render")
    .description("print accounts, users and permissions of roles, for a server's configuration or as JWT templates")
    .argument(
      "[roles...]",
      "[name=]publisher|gateway|orchestrator|observer|executor|context|admin|actor:<type>[,<type>...]; default: all but admin",
    )
    .option("--tenant <name>", "an account with users of its own; may be given again (default RAYFLOW)", collect)
    .option("--allow <name=[pub:|sub:]subject>", "a further subject of a user; may be given again", collect)
    .option("--variables <type>", "a node type of yours that uses variables; may be given again", collect)
    .option("--secrets <folder>", "where users' secrets are kept, and made when they are not there")
    .option("--auth <kind>", "what is made for a user: nkey or password", "nkey")
    .option("--credential <name=text>", "a user's public nkey or bcrypt hash that is made elsewhere", collect)
    .option("--shared-accounts", "actors in their tenant's account, not in one of their own")
    .option("--max-file <size>", "what a tenant may keep on disk: 50GiB", size("--max-file"))
    .option("--max-memory <size>", "what a tenant may keep in memory: 2GiB", size("--max-memory"))
    .option("--server-cert <file>", "the server's certificate, for a tls block")
    .option("--server-key <file>", "the server's key")
    .option("--server-ca <file>", "the CA of the clients' certificates")
    .option("--verify", "clients must show a certificate of that CA")
    .option("--handshake-first", "clients speak TLS before the server says hello (--tlsfirst)")
    .option("--format <format>", "server: a configuration to include; jwt: claims and nsc commands as JSON", "server")
    .action(async (roles: string[], flags: RenderFlags, self: Command) => {
      const { output } = contextOf(self);
      const server = await import("../nats/index.ts");
      const users = await wantedUsers(roles, flags, server.parseRole, server.userOf);
      const accounts = server.planAccounts({
        tenants: flags.tenant ?? [DEFAULT_TENANT],
        users,
        sharedAccounts: flags.sharedAccounts ?? false,
        limits: { maxFileBytes: flags.maxFile, maxMemoryBytes: flags.maxMemory },
      });
      if (oneOf("--format", flags.format, ["server", "jwt"]) === "jwt") return output.json(server.renderJwt(accounts));
      const tls = tlsOf(flags);
      const secrets = await secretsOf(accounts, flags);
      const config = server.renderServerConfig(accounts, (user) => secretOf(secrets, user), tls);
      const starts = howToConnect(accounts, secrets, server.connectionFlags);
      if (output.format !== "table") return output.json({ config, users: starts });
      output.print(config.trimEnd());
      for (const { user, role, flags } of starts) output.note(`${user} (${role}): rayflow ... ${flags}`);
    });
}

async function wantedUsers(
  given: readonly string[],
  flags: RenderFlags,
  parseRole: (text: string) => Role,
  userOf: (role: Role) => string,
): Promise<WantedUser[]> {
  const texts = given.length > 0 ? given : await allRoles();
  const users = texts.map((text) => {
    const at = text.indexOf("=");
    const role = parseRole(at < 0 ? text : text.slice(at + 1));
    return { role, name: at < 0 ? userOf(role) : text.slice(0, at) };
  });
  const allow = (flags.allow ?? []).map((text) => readAllow(text, users));
  return users.map((user) => ({
    ...user,
    variables: flags.variables ?? [],
    allow: allow.filter(({ name }) => name === user.name).map(({ rule }) => rule),
  }));
}

/** One of each; one actor for all types that come with RayFlow. */
async function allRoles(): Promise<string[]> {
  const { loadNodes } = await import("../actors/index.ts");
  const { nodes } = await loadNodes({});
  const types = [...nodes.values()].flatMap(({ nodeType }) => (nodeType.kind === "actor" ? [nodeType.type] : []));
  return [
    "orchestrator",
    "gateway",
    "publisher",
    "observer",
    "executor",
    "context",
    `actors=actor:${types.sort().join(",")}`,
  ];
}

function readAllow(text: string, users: readonly { readonly name: string }[]) {
  const parsed = /^([^=]+)=(?:(pub|sub):)?(\S+)$/.exec(text);
  const [, name = "", direction, subject = ""] = parsed ?? [];
  if (parsed === null || !users.some((user) => user.name === name)) {
    const known = users.map((user) => user.name).join(", ");
    throw new RayflowError("UsageError", `--allow is user=[pub:|sub:]subject with one of the users ${known}: ${text}`);
  }
  const rule = {
    ...(direction === "sub" ? {} : { publish: subject }),
    ...(direction === "pub" ? {} : { subscribe: subject }),
  };
  return { name, rule };
}

async function secretsOf(accounts: readonly PlannedAccount[], flags: RenderFlags): Promise<Map<string, KeptSecret>> {
  const { givenSecret, keepSecret } = await import("./auth-secrets.ts");
  const kind: SecretKind = oneOf("--auth", flags.auth, ["nkey", "password"]);
  const given = new Map(
    (flags.credential ?? []).map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]),
  );
  const made = new Map<string, KeptSecret>();
  for (const { name } of accounts.flatMap(({ users }) => users)) {
    const text = given.get(name);
    if (text !== undefined) made.set(name, givenSecret(name, text));
    else if (flags.secrets !== undefined) made.set(name, keepSecret(path.resolve(flags.secrets), name, kind));
    else
      throw new RayflowError("UsageError", `no secret for ${name}: name a folder with --secrets, or give --credential`);
  }
  return made;
}

function secretOf(secrets: ReadonlyMap<string, KeptSecret>, user: string): KeptSecret["secret"] {
  const found = secrets.get(user);
  if (found === undefined) throw new RayflowError("InternalError", `no secret for ${user}`);
  return found.secret;
}

/** What each user's process is started with; a password goes into the environment, never onto a command line. */
function howToConnect(
  accounts: readonly PlannedAccount[],
  secrets: ReadonlyMap<string, KeptSecret>,
  flagsOf: typeof import("../nats/index.ts").connectionFlags,
) {
  return accounts.flatMap(({ name: account, users }) =>
    users.map((user) => {
      const kept = secrets.get(user.name);
      const nkey = kept?.secret.kind === "nkey" ? (kept.file ?? "<seed file>") : undefined;
      const restricted = user.role.startsWith("actor:") ? " --restricted" : "";
      return {
        user: user.name,
        account,
        role: user.role,
        secret_file: kept?.file ?? null,
        inbox_prefix: user.inboxPrefix,
        js_api_prefix: user.jsApiPrefix ?? null,
        flags: flagsOf(user, nkey === undefined ? {} : { nkey }) + restricted,
      };
    }),
  );
}

function tlsOf(flags: RenderFlags): ServerTls | undefined {
  const { serverCert: cert, serverKey: key, serverCa: ca, verify, handshakeFirst } = flags;
  if (cert === undefined && key === undefined && verify !== true && ca === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new RayflowError("UsageError", "TLS needs both --server-cert and --server-key");
  }
  if (verify === true && ca === undefined) throw new RayflowError("UsageError", "--verify needs --server-ca");
  return { cert: path.resolve(cert), key: path.resolve(key), ca: ca && path.resolve(ca), verify, handshakeFirst };
}

function oneOf<T extends string>(option: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new RayflowError("UsageError", `${option} is one of ${known.join(", ")}, not ${text}`);
  return found;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

function size(option: string): (text: string) => number {
  return (text) => {
    const [, count = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]iB)?$/.exec(text) ?? [];
    const bytes = Math.floor(Number(count) * (UNITS[unit] ?? Number.NaN));
    if (count !== "" && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
    throw new RayflowError("UsageError", `${option} is a size like 512MiB or 50GiB, not ${JSON.stringify(text)}`);
  };
}
