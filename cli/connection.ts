/** Which server a command talks to: the one that was named, else one that runs on this machine, else none. */
import type { NatsConnection } from "@nats-io/transport-node";
import { type Command, Option } from "commander";
import type { ConnectOptions } from "../nats/index.ts";
import { DEV_FOLDER, readDevState } from "./dev-folder.ts";
import type { Environment } from "./environment.ts";

export interface ConnectionFlags {
  readonly server?: string;
  readonly creds?: string;
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly nkey?: string;
  readonly tlsca?: string;
  readonly tlscert?: string;
  readonly tlskey?: string;
  readonly tlsfirst?: boolean;
  readonly inboxPrefix?: string;
  readonly jsApiPrefix?: string;
  /** Earlier names of the same. */
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** Adds the options that say where NATS is and who we are, named as in the nats command. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option("-s, --server <url>", "NATS server, or several with commas between (NATS_URL)")
    .option("--creds <file>", "credentials file: a user's JWT and seed (NATS_CREDS)")
    .option("--nkey <file>", "file with an nkey seed (NATS_NKEY)")
    .option("--user <name>", "user (NATS_USER)")
    .option("--password <text>", "password (NATS_PASSWORD)")
    .option("--token <text>", "token (NATS_TOKEN)")
    .option("--tlsca <file>", "CA certificate to trust (NATS_CA)")
    .option("--tlscert <file>", "client certificate (NATS_CERT)")
    .option("--tlskey <file>", "client key (NATS_KEY)")
    .option("--tlsfirst", "speak TLS before the server says hello (NATS_TLS_FIRST)")
    .option("--inbox-prefix <prefix>", "where answers come; default _INBOX.<user> (NATS_INBOX_PREFIX)")
    .option("--js-api-prefix <prefix>", "JetStream's API when it is imported (NATS_JS_API_PREFIX)")
    .addOption(new Option("--tls-ca <file>").hideHelp())
    .addOption(new Option("--tls-cert <file>").hideHelp())
    .addOption(new Option("--tls-key <file>").hideHelp());
}

/** Those of them whose next argument is their value. */
export const CONNECTION_VALUE_OPTIONS = [
  ..."-s --server --creds --nkey --user --password --token --tlsca --tlscert --tlskey".split(" "),
  ..."--inbox-prefix --js-api-prefix --tls-ca --tls-cert --tls-key".split(" "),
];

/** The flags of this call, for a process that it starts: what stands in the environment that has from there. */
export function connectionArguments(flags: ConnectionFlags): string[] {
  const { server, creds, nkey, user, password, token, inboxPrefix, jsApiPrefix } = flags;
  const given = {
    "--server": server,
    "--creds": creds,
    "--nkey": nkey,
    "--user": user,
    "--password": password,
    "--token": token,
    "--tlsca": flags.tlsca ?? flags.tlsCa,
    "--tlscert": flags.tlscert ?? flags.tlsCert,
    "--tlskey": flags.tlskey ?? flags.tlsKey,
    "--inbox-prefix": inboxPrefix,
    "--js-api-prefix": jsApiPrefix,
  };
  const values = Object.entries(given).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return flags.tlsfirst === true ? [...values, "--tlsfirst"] : values;
}

/** The server that the flags or the environment name; undefined when neither does. */
export function namedServer(flags: ConnectionFlags, environment: Environment): string | undefined {
  return flags.server ?? environment.NATS_URL;
}

export function connectOptions(flags: ConnectionFlags, environment: Environment, name: string): ConnectOptions {
  const server = namedServer(flags, environment);
  const tls = withoutUndefined({
    ca: flags.tlsca ?? flags.tlsCa ?? environment.NATS_CA,
    cert: flags.tlscert ?? flags.tlsCert ?? environment.NATS_CERT,
    key: flags.tlskey ?? flags.tlsKey ?? environment.NATS_KEY,
    first: flags.tlsfirst === true || environment.NATS_TLS_FIRST ? true : undefined,
  });
  return {
    name,
    ...withoutUndefined({
      servers: server?.split(",").map((url) => url.trim()),
      creds: flags.creds ?? environment.NATS_CREDS,
      nkey: flags.nkey ?? environment.NATS_NKEY,
      user: flags.user ?? environment.NATS_USER,
      pass: flags.password ?? environment.NATS_PASSWORD,
      token: flags.token ?? environment.NATS_TOKEN,
      tokenKeys: environment.RAYFLOW_TOKEN_KEYS,
      inboxPrefix: flags.inboxPrefix ?? environment.NATS_INBOX_PREFIX,
      jsApiPrefix: flags.jsApiPrefix ?? environment.NATS_JS_API_PREFIX,
    }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  };
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

const DEFAULT_URL = "nats://127.0.0.1:4222";
/** A server on this machine answers within a few milliseconds; a person should not wait for none. */
const PROBE_TIMEOUT_MS = 200;
const ORCHESTRATOR_TIMEOUT_MS = 500;

/**
 * A connection to the server that was named (throws ConnectionFailed when it does not answer); else to one on this
 * machine that carries RayFlow's streams; else undefined.
 */
export async function connectIfRunning(
  flags: ConnectionFlags,
  environment: Environment,
  name: string,
): Promise<{ nc: NatsConnection; url: string; named: boolean } | undefined> {
  const options = connectOptions(flags, environment, name);
  const server = namedServer(flags, environment);
  if (server !== undefined) {
    const { connectNats, requireServer } = await import("../nats/index.ts");
    const nc = await connectNats(options);
    try {
      await requireServer(nc);
    } catch (error) {
      await nc.close();
      throw error;
    }
    return { nc, url: server, named: true };
  }
  for (const url of new Set([readDevState(DEV_FOLDER)?.url, DEFAULT_URL])) {
    if (url === undefined || !(await answers(url))) continue;
    const nc = await connectToRayflow(options, url);
    if (nc !== undefined) return { nc, url, named: false };
  }
  return undefined;
}

/**
 * The same for who wants a run to be served: a server that was not named, and that no orchestrator answers from, does not
 * count.
 */
export async function connectIfServed(
  ...args: Parameters<typeof connectIfRunning>
): ReturnType<typeof connectIfRunning> {
  const running = await connectIfRunning(...args);
  if (running === undefined || running.named) return running;
  const { hasOrchestrator } = await import("../gateway/index.ts");
  if (await hasOrchestrator(running.nc, ORCHESTRATOR_TIMEOUT_MS)) return running;
  await running.nc.close();
  return undefined;
}

/** Whether anything listens there: a bare connection costs less than loading a client to find nobody. */
export async function answers(url: string, timeoutMs = PROBE_TIMEOUT_MS): Promise<boolean> {
  const { connect } = await import("node:net");
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 4222) });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done(false));
    // Something else may listen there; NATS speaks first.
    socket.once("data", (greeting) => done(greeting.toString("latin1").startsWith("INFO ")));
    socket.once("error", () => done(false));
    socket.once("close", () => done(false));
  });
}

async function connectToRayflow(options: ConnectOptions, url: string): Promise<NatsConnection | undefined> {
  const [{ connectNats, STREAMS }, { jetstreamManager }] = await Promise.all([
    import("../nats/index.ts"),
    import("@nats-io/jetstream"),
  ]);
  let nc: NatsConnection | undefined;
  try {
    nc = await connectNats({ ...options, servers: url, timeoutMs: 1_000 });
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 1_000 });
    await jsm.streams.info(STREAMS.log);
    return nc;
  } catch {
    // Another program's server: leave it alone.
    await nc?.close();
    return undefined;
  }
}
