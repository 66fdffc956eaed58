/**
 * The ids that a run derives from itself. None is random, so that two folds of one log name the same things the
 * same way and JetStream can tell a repetition from news.
 */

/** `` is the root; an iteration of a loop is one step deeper: `each[3]/inner[0]`. */
export function iterationScope(parent: string, loop: string, index: number): string {
  const step = `${loop}[${index}]`;
  return parent === "" ? step : `${parent}/${step}`;
}

/** Whether `scope` is `ancestor` or lies in it. */
export function isWithin(scope: string, ancestor: string): boolean {
  return ancestor === "" || scope === ancestor || scope.startsWith(`${ancestor}/`);
}

/** One activation of a node in a scope; also the idempotency key of its effects. */
export function activationId(run: string, node: string, scope: string): string {
  return `${run}:${node}@${scope}`;
}

/** One attempt of an activation. */
export function executionId(run: string, node: string, scope: string, attempt: number): string {
  return `${run}:${node}@${scope}#${attempt}`;
}

/** One evaluation of a pure node for a consumer. `round` tells the pulls of a while loop's condition apart. */
export function pullId(
  run: string,
  consumer: string,
  scope: string,
  round: number,
  pure: string,
  attempt: number,
): string {
  const again = round === 0 ? "" : `~${round}`;
  return `${run}:${consumer}@${scope}${again}>${pure}#${attempt}`;
}

/** A number in [0, 1) that depends on the text alone: jitter without randomness. */
export function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash ^= text.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193);
  }
  // The last bits of FNV are weak in short texts that differ at the end: mix once more.
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  return (hash >>> 0) / 0x1_0000_0000;
}
