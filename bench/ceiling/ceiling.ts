/** The ceiling's three processes: a nats-server of its own, the driver and the worker. */

import type { LoadAnswer, LoadReport } from "../load/protocol.ts";
import { ask, type Durability, forkScript, type Running, startServer } from "../processes.ts";
import type { CeilingRequest } from "./protocol.ts";

export interface Ceiling {
  measure(request: Omit<CeilingRequest, "pids">): Promise<LoadReport>;
  close(): Promise<void>;
}

export async function startCeiling(durability: Durability): Promise<Ceiling> {
  const server = await startServer(durability);
  const started: Running[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((one) => one.close()));
    await server.stop();
  };
  try {
    const driver = await forkScript("ceiling/driver.ts", [server.url]);
    started.push(driver);
    const worker = await forkScript("ceiling/worker.ts", [server.url]);
    started.push(worker);
    const pids = { nats: [server.pid], actor: [worker.pid] };
    return {
      measure: async (request) => {
        const answer = await ask<LoadAnswer>(driver, { ...request, pids });
        if (answer.type !== "report") throw new Error(`the ceiling answered ${answer.type}`);
        return answer.report;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
