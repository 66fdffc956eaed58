/**
 * The effects ledger: what the test nodes did, written down outside of the system under test.
 *
 * An effect may repeat, for a node runs at least once; it may do so only under the idempotency key of its activation.
 */
import http from "node:http";
import type { AddressInfo } from "node:net";

export interface Effects {
  /** How often each attempt's effect was recorded. */
  readonly attempts: Map<number, number>;
  /** When it was recorded first and last, ms by the monotonic clock. */
  readonly firstAt: number;
  lastAt: number;
}

/** Activations of one run: `node@scope`. */
export type RunEffects = Map<string, Effects>;

export interface Ledger extends AsyncDisposable {
  readonly url: string;
  readonly runs: ReadonlyMap<string, RunEffects>;
  /** Effects recorded, repetitions included. */
  readonly recorded: number;
  /** Effects under another idempotency key than their activation's. */
  readonly strayKeys: readonly string[];
  /** Hears of the first effect of each activation. */
  onEffect: ((run: string, activation: string) => void) | undefined;
}

interface Posted {
  readonly key: string;
  readonly attempt: number;
  readonly run: string;
  readonly node: string;
  readonly scope: string;
}

export async function startLedger(): Promise<Ledger> {
  const runs = new Map<string, RunEffects>();
  const strayKeys: string[] = [];
  let recorded = 0;
  const record = ({ key, attempt, run, node, scope }: Posted): void => {
    recorded++;
    const activation = `${node}@${scope}`;
    if (key !== `${run}:${activation}`) strayKeys.push(`${key} for ${run}:${activation}`);
    const ofRun = runs.get(run) ?? new Map<string, Effects>();
    runs.set(run, ofRun);
    const now = performance.now();
    const known = ofRun.get(activation);
    if (known) {
      known.attempts.set(attempt, (known.attempts.get(attempt) ?? 0) + 1);
      known.lastAt = now;
      return;
    }
    ofRun.set(activation, { attempts: new Map([[attempt, 1]]), firstAt: now, lastAt: now });
    ledger.onEffect?.(run, activation);
  };
  const server = http.createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      record(JSON.parse(body) as Posted);
      response.end();
    });
    request.on("error", () => {});
  });
  // The callers are stopped for seconds at a time: none of that is a reason to hang up.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const ledger: Ledger = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    runs,
    strayKeys,
    get recorded() {
      return recorded;
    },
    onEffect: undefined,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return ledger;
}
