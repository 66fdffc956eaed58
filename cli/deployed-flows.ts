/** The flows that are deployed on the server that a command talks to, if there is one: for who only reads them. */
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";
import { noServer } from "./flow-argument.ts";

export interface DeployedFlows extends AsyncDisposable {
  /** The JSON of `name` or `name@version`; undefined when there is none, or no server. */
  find(reference: string): Promise<unknown>;
  /** @throws FlowNotFound; ConnectionFailed without a server */
  get(reference: string): Promise<unknown>;
}

/** Changes nothing on the server: one without RayFlow's streams has no flows. @throws ConnectionFailed */
export async function openDeployed(context: CliContext, name: string): Promise<DeployedFlows> {
  const running = await connectIfRunning(context.flags, context.environment, name);
  const { FlowRegistry } = await import("../store/index.ts");
  const registry = running === undefined ? undefined : await FlowRegistry.open(running.nc).catch(() => undefined);
  const find = async (reference: string) => (await registry?.find(reference).catch(() => undefined))?.flow;
  return {
    find,
    get: async (reference) => {
      if (running === undefined) throw noServer();
      const found = await registry?.find(reference);
      if (found !== undefined) return found.flow;
      throw registry === undefined ? noServer() : await registry.notFound(reference);
    },
    [Symbol.asyncDispose]: async () => {
      await running?.nc.close();
    },
  };
}
