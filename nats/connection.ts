/** The connection to NATS: it fails fast at first, and never gives up afterwards. */
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { type ConnectionOptions, connect, type NatsConnection, type TlsOptions } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { redirectApi } from "./api-prefix.ts";
import { type CredentialOptions, type Credentials, readCredentials } from "./credentials.ts";
import {
  type ExecutionTokens,
  executionTokens,
  giveTokens,
  parseTokenKeys,
  uncheckedTokens,
} from "./execution-token.ts";
import { setInboxPrefix } from "./inbox.ts";
import { guardRequests } from "./request-guard.ts";
import { MIN_SERVER_VERSION, RECOMMENDED_SERVER_VERSION, versionAtLeast } from "./server-version.ts";

export interface ConnectOptions extends CredentialOptions {
  /** Where NATS listens. Default `nats://127.0.0.1:4222`. */
  readonly servers?: string | readonly string[];
  /** How the server lists this client. */
  readonly name: string;
  readonly pass?: string;
  readonly token?: string;
  /** Paths of PEM files. `first`: speaks TLS before the server says hello, as its `handshake_first` has it. */
  readonly tls?: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly first?: boolean;
  };
  /** Default -1: for ever. */
  readonly maxReconnectAttempts?: number;
  /** Longest wait for the first connection, and for each one after, ms. Default 5 000. */
  readonly timeoutMs?: number;
  /** Waits for ever for the first connection too: for a service that may start before its server. Default false. */
  readonly waitOnFirstConnect?: boolean;
  /** Where JetStream's API is for this account, when it is imported from another one. Default `$JS.API`. */
  readonly jsApiPrefix?: string;
  /**
   * What execution tokens are made with, base64url with commas between; `none`: nothing is checked, and only looking is
   * possible. Default: as the bucket `rayflow_keys` says.
   */
  readonly tokenKeys?: string;
}

const DEFAULT_SERVER = "nats://127.0.0.1:4222";
const RECONNECT_WAIT_MS = 250;

/** @throws ConnectionFailed when no server answers within `timeoutMs` */
export async function connectNats(options: ConnectOptions): Promise<NatsConnection> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const servers = typeof options.servers === "string" ? [options.servers] : [...(options.servers ?? [DEFAULT_SERVER])];
  const credentials = await readCredentials(options);
  const tokens = tokensFrom(options.tokenKeys);
  const connecting = connect(clientOptions(options, credentials, servers, timeoutMs)).then((nc) => {
    if (options.jsApiPrefix !== undefined) redirectApi(nc, options.jsApiPrefix);
    setInboxPrefix(nc, credentials.inboxPrefix);
    if (tokens !== undefined) giveTokens(nc, tokens);
    guardRequests(nc);
    return nc;
  });
  if (options.waitOnFirstConnect === true) return connecting;
  // The client tries its servers one after the other; the caller's patience is for all of them.
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<undefined>((done) => {
    timer = setTimeout(() => done(undefined), timeoutMs);
  });
  try {
    const nc = await Promise.race([connecting, tooLate]);
    if (nc !== undefined) return nc;
    void connecting.then((late) => late.close()).catch(() => {});
    throw new Error(`no answer within ${timeoutMs} ms`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RayflowError("ConnectionFailed", `cannot connect to ${servers.map(hidePassword).join(", ")}: ${why}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}

function tokensFrom(keys: string | undefined): ExecutionTokens | undefined {
  if (keys === undefined) return undefined;
  return keys === "none" ? uncheckedTokens() : executionTokens(parseTokenKeys(keys));
}

function clientOptions(options: ConnectOptions, credentials: Credentials, servers: string[], timeoutMs: number) {
  const client: ConnectionOptions = {
    servers,
    name: options.name,
    timeout: timeoutMs,
    maxReconnectAttempts: options.maxReconnectAttempts ?? -1,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    // Many processes lose one server at the same moment: they should not all come back at the same moment.
    reconnectJitter: RECONNECT_WAIT_MS,
    reconnectJitterTLS: 4 * RECONNECT_WAIT_MS,
    // A half-open connection is noticed within a minute, not within six.
    pingInterval: 20_000,
    // While credentials are being rotated a server may refuse twice: that is no reason to give up for ever.
    ignoreAuthErrorAbort: true,
    // Otherwise every request captures a stack trace.
    noAsyncTraces: true,
    waitOnFirstConnect: options.waitOnFirstConnect ?? false,
  };
  if (credentials.inboxPrefix !== undefined) client.inboxPrefix = credentials.inboxPrefix;
  if (credentials.authenticator !== undefined) client.authenticator = credentials.authenticator;
  if (options.user !== undefined) client.user = options.user;
  if (options.pass !== undefined) client.pass = options.pass;
  if (options.token !== undefined) client.token = options.token;
  if (options.tls !== undefined) {
    const tls: TlsOptions = {};
    if (options.tls.ca !== undefined) tls.caFile = options.tls.ca;
    if (options.tls.cert !== undefined) tls.certFile = options.tls.cert;
    if (options.tls.key !== undefined) tls.keyFile = options.tls.key;
    if (options.tls.first === true) tls.handshakeFirst = true;
    client.tls = tls;
  }
  return client;
}

function hidePassword(server: string): string {
  return server.replace(/\/\/[^@/]*@/, "//***@");
}

export interface ServerReport {
  readonly version: string;
  /** What to change before production; undefined when nothing. */
  readonly advice: string | undefined;
}

/**
 * Makes sure that the server can carry RayFlow.
 * @throws ServerTooOld, JetStreamDisabled
 */
export async function requireServer(nc: NatsConnection): Promise<ServerReport> {
  const version = nc.info?.version ?? "0.0.0";
  if (!versionAtLeast(version, MIN_SERVER_VERSION)) {
    throw new RayflowError(
      "ServerTooOld",
      `the NATS server is version ${version}; RayFlow needs ${MIN_SERVER_VERSION}, better ${RECOMMENDED_SERVER_VERSION}`,
    );
  }
  try {
    await jetstreamManager(nc);
  } catch (cause) {
    // An API error is the server's answer, "no responders" is JetStream's absence; anything else is a lost connection.
    const answered = cause instanceof JetStreamApiError || (cause instanceof Error && /jetstream/i.test(cause.message));
    if (!answered) throw new RayflowError("ConnectionFailed", "the NATS server does not answer", { cause });
    throw new RayflowError("JetStreamDisabled", `JetStream does not answer: ${cause.message}`, { cause });
  }
  const recommended = versionAtLeast(version, RECOMMENDED_SERVER_VERSION);
  return {
    version,
    advice: recommended
      ? undefined
      : `nats-server ${version} works; ${RECOMMENDED_SERVER_VERSION} or later is better for production`,
  };
}
