/** A TCP proxy between a process and its server that can cut what is connected, or stall it. */
import net from "node:net";

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** Destroys every connection; new ones are taken at once. */
  cut(): void;
  /** Lets no byte through in either direction for a while; nothing is lost. */
  stall(ms: number): void;
}

export async function startProxy(targetPort: number): Promise<FaultyProxy> {
  const sockets = new Set<net.Socket>();
  let stalledUntil = 0;
  let timer: NodeJS.Timeout | undefined;
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    if (performance.now() < stalledUntil) socket.pause();
  };
  const server = net.createServer((client) => {
    const upstream = net.connect({ host: "127.0.0.1", port: targetPort });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      track(from);
      from.on("data", (bytes) => {
        if (!to.write(bytes)) from.pause();
      });
      to.on("drain", () => {
        if (performance.now() >= stalledUntil) from.resume();
      });
      from.on("close", () => to.destroy());
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as net.AddressInfo).port,
    cut: destroyAll,
    stall: (ms) => {
      stalledUntil = performance.now() + ms;
      for (const socket of sockets) socket.pause();
      clearTimeout(timer);
      timer = setTimeout(() => {
        for (const socket of sockets) socket.resume();
      }, ms + 1);
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(timer);
      destroyAll();
      await new Promise((done) => server.close(done));
    },
  };
}
