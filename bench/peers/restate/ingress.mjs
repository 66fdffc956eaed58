/**
 * Calls handlers through Restate's ingress over one HTTP/2 connection. The SDK's own client is built on fetch, HTTP/1.1 with
 * a connection per call in flight; that costs the calling process several times as much, on a machine where it competes
 * with the server for two cores.
 */
import http2 from "node:http2";

/**
 * @param {string} url where the ingress listens
 * @returns {{call: (service: string, handler: string) => Promise<unknown>, close: () => void}}
 */
export function connectIngress(url) {
  const session = http2.connect(url, { settings: { maxConcurrentStreams: 2_000, initialWindowSize: 1 << 20 } });
  session.on("error", () => {}); // Each call in flight gets it too.
  return {
    call: (service, handler) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":method": "POST", ":path": `/${service}/${handler}` }, { endStream: true });
        let status = 0;
        let body = "";
        stream.setEncoding("utf8");
        stream.on("response", (headers) => {
          status = headers[":status"] ?? 0;
        });
        stream.on("data", (chunk) => {
          body += chunk;
        });
        stream.on("error", reject);
        // After the end of the answer this says nothing new; before it, it is all that a lost connection says.
        stream.on("close", () => reject(new Error("the ingress closed the call without an answer")));
        stream.on("end", () => {
          if (status === 200) resolve(JSON.parse(body));
          else reject(new Error(`Restate answered ${status}: ${body}`));
        });
      }),
    close: () => session.close(),
  };
}
