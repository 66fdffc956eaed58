/**
 * Makes requests survive, or at least notice, a lost connection.
 *
 * The client forgets what was sent into a broken connection and lets each request run into its timeout, five seconds
 * for JetStream's. With the guard
 * - a request under way fails with a TimeoutError the moment the connection breaks: whether the server has acted on it
 *   is as unknown as after any timeout, but the caller may ask again at once;
 * - a request made while there is no connection waits for one, for as long as its timeout allows, and is then sent.
 */
import {
  type Msg,
  type NatsConnection,
  type Payload,
  type RequestOptions,
  TimeoutError,
} from "@nats-io/transport-node";
import { within } from "./publisher.ts";

const DEFAULT_TIMEOUT_MS = 1_000;

/** Replaces `nc.request`; JetStream, key-value and object store all go through it. */
export function guardRequests(nc: NatsConnection): void {
  const underWay = new Set<() => void>();
  const request = nc.request.bind(nc);
  let connected: Promise<void> | undefined;
  let markConnected = () => {};

  const follow = async () => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") {
        connected ??= new Promise((done) => {
          markConnected = done;
        });
        for (const fail of underWay) fail();
      } else if (status.type === "reconnect") {
        connected = undefined;
        markConnected();
      }
    }
    connected = undefined;
    markConnected();
  };
  void follow();

  const send = (subject: string, payload?: Payload, options?: RequestOptions) =>
    new Promise<Msg>((resolve, reject) => {
      const fail = () => {
        underWay.delete(fail);
        reject(new TimeoutError({ cause: new Error("the connection broke") }));
      };
      underWay.add(fail);
      request(subject, payload, options).then(
        (answer) => {
          underWay.delete(fail);
          resolve(answer);
        },
        (error) => {
          underWay.delete(fail);
          reject(error);
        },
      );
    });

  nc.request = async (subject, payload, options) => {
    if (connected !== undefined) await within(connected, options?.timeout ?? DEFAULT_TIMEOUT_MS);
    return send(subject, payload, options);
  };
}
