/**
 * Does something with each item, the next one when the last is done; undefined when all is done already. Where there is
 * nothing to wait for it does not wait: that would cost more than the work.
 */
export function oneAfterTheOther<T>(
  items: Iterable<T>,
  step: (item: T) => Promise<void> | undefined,
): Promise<void> | undefined {
  const rest = items[Symbol.iterator]();
  for (let next = rest.next(); !next.done; next = rest.next()) {
    const pending = step(next.value);
    if (pending) return pending.then(() => oneAfterTheOther({ [Symbol.iterator]: () => rest }, step));
  }
  return undefined;
}
