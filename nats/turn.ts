/**
 * What is done once this turn of the event loop is over. All that was put off in a turn is done together, so that what
 * it sends leaves in one write; what it puts off in its turn comes right after it, not a turn later.
 */

let tasks: (() => void)[] = [];

/** Does something after what runs now and all that its promises lead to. The task must not throw. */
export function afterTurn(task: () => void): void {
  if (tasks.length === 0) setImmediate(work);
  tasks.push(task);
}

function work(): void {
  let at = 0;
  try {
    for (; at < tasks.length; at++) tasks[at]?.();
  } finally {
    // Should one throw all the same, those behind it are not lost with it.
    tasks = tasks.slice(at + 1);
    if (tasks.length > 0) setImmediate(work);
  }
}
