/** Tries what a user may or may not do, and says what the server thinks of it. */
import { type NatsConnection, PermissionViolationError } from "@nats-io/transport-node";

export interface Attempt {
  /** What for. */
  readonly what: string;
  readonly publish?: string;
  readonly subscribe?: string;
  readonly payload?: string;
}

/** Whether the server let it pass. */
export async function isAllowed(nc: NatsConnection, attempt: Attempt): Promise<boolean> {
  return attempt.subscribe === undefined ? mayPublish(nc, attempt) : maySubscribe(nc, attempt.subscribe);
}

async function maySubscribe(nc: NatsConnection, subject: string): Promise<boolean> {
  let refused = false;
  const subscription = nc.subscribe(subject, {
    callback: (error) => {
      if (error !== null) refused = true;
    },
  });
  await nc.flush();
  await settled();
  if (!refused) subscription.unsubscribe();
  return !refused;
}

async function mayPublish(nc: NatsConnection, { publish = "", payload = "" }: Attempt): Promise<boolean> {
  const statuses = nc.status();
  let refused = false;
  const listening = (async () => {
    for await (const status of statuses) {
      if (status.type !== "error" || !(status.error instanceof PermissionViolationError)) continue;
      // JetStream's API may be asked under a prefix.
      const subject = status.error.subject.replace(/^JS_RAYFLOW\.API/, "$$JS.API");
      if (status.error.operation === "publish" && subject === publish) refused = true;
    }
  })();
  nc.publish(publish, payload);
  // The server's refusal comes before its answer to the ping.
  await nc.flush();
  await settled();
  if ("stop" in statuses && typeof statuses.stop === "function") statuses.stop();
  await listening;
  return !refused;
}

/** The client tells of a refusal in a turn of its own. */
function settled(): Promise<void> {
  return new Promise((done) => setImmediate(() => setImmediate(done)));
}
