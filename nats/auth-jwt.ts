/**
 * Writes a plan of accounts for servers that take JWTs: the `nats` part of each account's and user's claims, and the nsc
 * commands that make the same. Keys and signatures are the operator's: nothing here holds a secret.
 */
import type { Export, Import, PlannedAccount, PlannedUser } from "./auth-plan.ts";

export interface JwtTemplates {
  readonly accounts: readonly {
    readonly name: string;
    /** Of the account's JWT; `account` of an import is the other account's name, to be replaced by its public key. */
    readonly claims: unknown;
    readonly users: readonly { readonly name: string; readonly claims: unknown }[];
  }[];
  /** In this order, in a store whose operator is set. */
  readonly commands: readonly string[];
}

const VERSION = 2;
const UNLIMITED = -1;
const NANOS_PER_MS = 1_000_000;
const STREAMED = /CONSUMER\.MSG\.NEXT|DIRECT\.GET/;

export function renderJwt(accounts: readonly PlannedAccount[]): JwtTemplates {
  return {
    accounts: accounts.map((account) => ({
      name: account.name,
      claims: accountClaims(account),
      users: account.users.map((user) => ({ name: user.name, claims: userClaims(user) })),
    })),
    commands: [
      ...accounts.flatMap(accountCommands),
      ...accounts.flatMap(({ name, exports }) => exports.map((one) => exportCommand(name, one))),
      ...accounts.flatMap(({ name, imports }) => imports.map((one) => importCommand(name, one))),
      ...accounts.flatMap((account) => account.users.flatMap((user) => userCommands(account.name, user))),
    ],
  };
}

function accountClaims({ name, jetstream, exports, imports }: PlannedAccount): unknown {
  const limits = {
    subs: UNLIMITED,
    data: UNLIMITED,
    payload: UNLIMITED,
    imports: UNLIMITED,
    exports: UNLIMITED,
    wildcards: true,
    conn: UNLIMITED,
    leaf: UNLIMITED,
    // 0: none.
    disk_storage: jetstream === undefined ? 0 : (jetstream.maxFileBytes ?? UNLIMITED),
    mem_storage: jetstream === undefined ? 0 : (jetstream.maxMemoryBytes ?? UNLIMITED),
    streams: jetstream === undefined ? 0 : UNLIMITED,
    consumer: jetstream === undefined ? 0 : UNLIMITED,
  };
  const nats = {
    limits,
    exports: exports.map(({ kind, subject }) => ({
      name: subject,
      subject,
      type: kind,
      ...(kind === "service" ? { response_type: STREAMED.test(subject) ? "Stream" : "Singleton" } : {}),
      token_req: true,
    })),
    imports: imports.map(({ kind, account, subject, to }) => ({
      name: subject,
      subject,
      account,
      ...(to === undefined ? {} : { local_subject: to }),
      type: kind,
    })),
    type: "account",
    version: VERSION,
  };
  return { name, nats };
}

function userClaims({ name, permissions }: PlannedUser): unknown {
  const { publish, subscribe, allowResponses } = permissions;
  return {
    name,
    nats: {
      pub: publish,
      sub: subscribe,
      ...(allowResponses ? { resp: { max: allowResponses.max, ttl: allowResponses.expiresMs * NANOS_PER_MS } } : {}),
      subs: UNLIMITED,
      data: UNLIMITED,
      payload: UNLIMITED,
      type: "user",
      version: VERSION,
    },
  };
}

function accountCommands({ name, jetstream }: PlannedAccount): string[] {
  const add = `nsc add account --name ${name}`;
  if (jetstream === undefined) return [add];
  const disk = jetstream.maxFileBytes ?? UNLIMITED;
  const memory = jetstream.maxMemoryBytes ?? UNLIMITED;
  return [
    add,
    `nsc edit account --name ${name} --js-disk-storage ${disk} --js-mem-storage ${memory} --js-streams -1 --js-consumer -1`,
  ];
}

function exportCommand(account: string, { kind, subject }: Export): string {
  const service =
    kind === "service" ? ` --service --response-type ${STREAMED.test(subject) ? "Stream" : "Singleton"}` : "";
  return `nsc add export --account ${account} --private --subject ${shell(subject)}${service}`;
}

/** Private exports are imported with an activation, which the exporting account signs for the importing one. */
function importCommand(account: string, { kind, account: from, subject, to }: Import): string {
  const local = to === undefined ? "" : ` --local-subject ${shell(to)}`;
  const key = `"$(nsc describe account --name ${account} --field sub --raw)"`;
  const activation = `${account}.activation.jwt`;
  const sign = `nsc generate activation --account ${from} --subject ${shell(subject)} --target-account ${key}`;
  const service = kind === "service" ? " --service" : "";
  return `${sign}${service} --output-file ${activation} && nsc add import --account ${account} --token ${activation}${local}`;
}

function userCommands(account: string, { name, permissions }: PlannedUser): string[] {
  const { publish, subscribe, allowResponses } = permissions;
  const flags = [
    ...publish.allow.map((subject) => `--allow-pub ${shell(subject)}`),
    ...(publish.deny ?? []).map((subject) => `--deny-pub ${shell(subject)}`),
    ...subscribe.allow.map((subject) => `--allow-sub ${shell(subject)}`),
    ...(subscribe.deny ?? []).map((subject) => `--deny-sub ${shell(subject)}`),
    ...(allowResponses
      ? [`--allow-pub-response=${allowResponses.max}`, `--response-ttl ${allowResponses.expiresMs / 1000}s`]
      : []),
  ];
  return [`nsc add user --account ${account} --name ${name} ${flags.join(" ")}`];
}

function shell(text: string): string {
  return `'${text}'`;
}
