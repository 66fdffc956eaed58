/** Writes a plan of accounts as a nats-server's configuration. Pure: secrets are made and kept elsewhere. */
import type { Export, Import, PlannedAccount, PlannedUser } from "./auth-plan.ts";

/** What the server knows a user by. */
export type Secret =
  | { readonly kind: "nkey"; readonly publicKey: string }
  | { readonly kind: "password"; readonly bcrypt: string };

export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  /** The CA of the clients' certificates; with `verify`, who has none of it is refused. */
  readonly ca?: string | undefined;
  readonly verify?: boolean | undefined;
  /** The client speaks TLS first; nothing is said in the clear. */
  readonly handshakeFirst?: boolean | undefined;
}

/** Requests that have more than one answer: a pull, a batch of messages. */
const MANY_ANSWERS = /CONSUMER\.MSG\.NEXT|DIRECT\.GET/;
/** How long the server keeps the way back to one who asked: a pull waits for half a minute. */
const RESPONSE_THRESHOLD = "60s";

/** A file to `include` in nats-server's configuration. `secretOf`: of every user of the plan. */
export function renderServerConfig(
  accounts: readonly PlannedAccount[],
  secretOf: (user: string) => Secret,
  tls?: ServerTls,
): string {
  const lines = [
    "# Made by `rayflow nats auth render`: include it in the server's configuration, and make it again to change it.",
  ];
  if (tls !== undefined) lines.push(...renderTls(tls));
  lines.push("accounts {");
  for (const account of accounts) lines.push(...renderAccount(account, secretOf));
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

/** The flags with which a process of this user connects, without those of the server and of TLS. */
export function connectionFlags(
  user: PlannedUser,
  secretFile: { readonly nkey?: string; readonly user?: string },
): string {
  const who = secretFile.nkey === undefined ? `--user ${user.name}` : `--nkey ${secretFile.nkey}`;
  const inbox = ` --inbox-prefix ${user.inboxPrefix}`;
  const api = user.jsApiPrefix === undefined ? "" : ` --js-api-prefix ${user.jsApiPrefix}`;
  return `${who}${inbox}${api}`;
}

function renderTls(tls: ServerTls): string[] {
  return [
    "tls {",
    `  cert_file: ${quote(tls.cert)}`,
    `  key_file: ${quote(tls.key)}`,
    ...(tls.ca === undefined ? [] : [`  ca_file: ${quote(tls.ca)}`]),
    ...(tls.verify === true ? ["  verify: true"] : []),
    ...(tls.handshakeFirst === true ? ["  handshake_first: true"] : []),
    "}",
  ];
}

function renderAccount(account: PlannedAccount, secretOf: (user: string) => Secret): string[] {
  return [
    `  ${quote(account.name)}: {`,
    ...renderJetStream(account),
    "    users: [",
    ...account.users.flatMap((user) => renderUser(user, secretOf(user.name))),
    "    ]",
    ...list("exports", account.exports.map(renderExport)),
    ...list("imports", account.imports.map(renderImport)),
    "  }",
  ];
}

function renderJetStream({ jetstream }: PlannedAccount): string[] {
  if (jetstream === undefined) return [];
  const { maxFileBytes, maxMemoryBytes } = jetstream;
  const limits = [
    ...(maxFileBytes === undefined ? [] : [`max_file: ${maxFileBytes}`]),
    ...(maxMemoryBytes === undefined ? [] : [`max_mem: ${maxMemoryBytes}`]),
  ];
  return [limits.length === 0 ? "    jetstream: enabled" : `    jetstream: { ${limits.join(", ")} }`];
}

function renderUser({ name, role, permissions }: PlannedUser, secret: Secret): string[] {
  const { publish, subscribe, allowResponses } = permissions;
  const who =
    secret.kind === "nkey"
      ? `nkey: ${quote(secret.publicKey)}`
      : `user: ${quote(name)}, password: ${quote(secret.bcrypt)}`;
  return [
    `      # ${name}: ${role}`,
    `      { ${who}`,
    "        permissions: {",
    `          publish: { allow: ${subjectList(publish.allow)}${deny(publish.deny)} }`,
    `          subscribe: { allow: ${subjectList(subscribe.allow)}${deny(subscribe.deny)} }`,
    ...(allowResponses
      ? [`          allow_responses: { max: ${allowResponses.max}, expires: "${allowResponses.expiresMs / 1000}s" }`]
      : []),
    "        }",
    "      }",
  ];
}

function renderExport({ kind, subject, accounts }: Export): string {
  const to = `accounts: [${accounts.map(quote).join(", ")}]`;
  if (kind === "stream") return `{ stream: ${quote(subject)}, ${to} }`;
  const answers = MANY_ANSWERS.test(subject) ? `, response_type: "stream", threshold: "${RESPONSE_THRESHOLD}"` : "";
  return `{ service: ${quote(subject)}${answers}, ${to} }`;
}

function renderImport({ kind, account, subject, to }: Import): string {
  const from = `${kind}: { account: ${quote(account)}, subject: ${quote(subject)} }`;
  return `{ ${from}${to === undefined ? "" : `, to: ${quote(to)}`} }`;
}

function list(name: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`    ${name}: [`, ...items.map((item) => `      ${item}`), "    ]"];
}

function deny(subjects: readonly string[] | undefined): string {
  return subjects === undefined || subjects.length === 0 ? "" : `, deny: ${subjectList(subjects)}`;
}

function subjectList(subjects: readonly string[]): string {
  return `[${subjects.map(quote).join(", ")}]`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
