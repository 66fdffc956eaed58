/**
 * Takes a message of several entries apart: each goes back to the queue alone. A message that came more than once may
 * hold one entry that ends its actor; alone, each is counted and lost on its own.
 */
import {
  asMessageId,
  type DispatchMessage,
  type Publishes,
  subjects,
  WIRE_VERSION,
  writeEntry,
} from "../nats/index.ts";

/** Puts every entry back alone; `lost` is how many actors were lost over the message. Rejects when one is not stored. */
export async function separate(publisher: Publishes, message: DispatchMessage, lost: number): Promise<void> {
  const { type, entries } = message;
  const alone = entries.map((entry) => {
    const counted = { ...entry, lost: (entry.lost ?? 0) + lost };
    const payload = `{"v":${WIRE_VERSION},"type":${JSON.stringify(type)},"entries":[${writeEntry(counted)}]}`;
    // Not the entry's own id: under that it may have been in the queue before.
    return publisher.publish(subjects.node(type), payload, {
      msgID: asMessageId(`${entry.id}~${entry.token ?? ""}~${counted.lost}`),
    });
  });
  await Promise.all(alone);
}
