/** Tells the campaign, outside of RayFlow, that an effect has happened: who waits for the answer knows it is written. */
import http from "node:http";

const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const TRIES = 20;

export interface Execution {
  readonly idempotencyKey: string;
  readonly attempt: number;
  readonly runId: string;
  readonly nodeId: string;
  readonly scope: string;
}

export async function recordEffect({ idempotencyKey, attempt, runId, nodeId, scope }: Execution): Promise<void> {
  const body = JSON.stringify({ key: idempotencyKey, attempt, run: runId, node: nodeId, scope });
  for (let tries = 1; ; tries++) {
    try {
      return await post(body);
    } catch (error) {
      // A connection that was idle while this process was stopped may be gone.
      if (tries === TRIES) throw error;
      await new Promise((done) => setTimeout(done, 20 * tries));
    }
  }
}

function post(body: string): Promise<void> {
  return new Promise((done, fail) => {
    const url = process.env.CHAOS_LEDGER ?? "";
    const request = http.request(url, { method: "POST", agent }, (response) => {
      response.resume();
      response.on("end", () => (response.statusCode === 200 ? done() : fail(new Error(`${response.statusCode}`))));
      response.on("error", fail);
    });
    request.on("error", fail);
    request.end(body);
  });
}
