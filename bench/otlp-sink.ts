/** An OTLP receiver as cheap as can be: what it gets is counted and thrown away, for it shares the machine with what is measured. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

let requests = 0;
let bytes = 0;
const server = createServer((request, response) => {
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    requests++;
    response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end();
  });
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.on("message", (asked) => {
    if (asked === "url") process.send?.({ type: "url", url: `http://127.0.0.1:${port}` });
    else process.send?.({ type: "received", requests, bytes });
  });
  process.send?.({ type: "ready" });
});
process.on("disconnect", () => process.exit(0));
