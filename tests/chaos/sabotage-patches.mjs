/**
 * What each sabotage changes, in the built files, as they are loaded. A text that is not found is an error: then the
 * control would control nothing.
 *
 * @typedef {{ file: string, from: string, to: string }} Patch
 * @type {Readonly<Record<string, readonly Patch[]>>}
 */
export const patches = {
  // JetStream drops no second copy, and the run applies a result as often as it comes.
  dedup: [
    {
      file: "orchestrator/emitter.js",
      from: "this.#options.publisher.publish(subject, payload, { msgID })",
      to: "this.#options.publisher.publish(subject, payload)",
    },
    {
      file: "orchestrator/dispatcher.js",
      from: "publisher.publish(subject, payload, { msgID })",
      to: "publisher.publish(subject, payload)",
    },
    { file: "orchestrator/intake.js", from: "msgID: (", to: "ignored: (" },
    { file: "orchestrator/timers.js", from: "msgID: ", to: "ignored: " },
    { file: "actors/result-publisher.js", from: "msgID: messageId(message), ", to: "" },
    { file: "store/run-log.js", from: ", { msgID: msgId }", to: "" },
    {
      file: "orchestrator/run/messages-in.js",
      from: "const pending = run.inFlight.get(result.id);\n    if (!pending)",
      to: `run.everSent ??= new Map();
    const pending = run.inFlight.get(result.id) ?? run.everSent.get(result.id);
    if (pending) run.everSent.set(result.id, pending);
    if (!pending)`,
    },
    {
      file: "orchestrator/run/settle.js",
      from: "if (isSettled(activation))\n        return;\n    activation.state = state;",
      to: "activation.state = state;",
    },
    {
      file: "orchestrator/run/execution-planner.js",
      from: "const { activation } = task;\n    if (isSettled(activation))",
      to: 'const { activation } = task;\n    if (isSettled(activation) && task.do !== "complete")',
    },
  ],
  // Every orchestrator holds every partition, and overwrites what another one has written.
  fencing: [
    { file: "store/lease-manager.js", from: "quotaOf(id, this.members, partitions)", to: "partitions" },
    { file: "store/lease-manager.js", from: " && this.#view.isFree(partition)", to: "" },
    { file: "store/lease-manager.js", from: "previousSeq: this.#view.freeRevision(partition),", to: "" },
    { file: "store/lease-manager.js", from: "if (renewedAt <= oldest)", to: "if (false)" },
    { file: "store/lease-manager.js", from: "this.#content, { previousSeq: held.revision });", to: "this.#content);" },
    { file: "store/checkpoint-store.js", from: "(key, bytes, { previousSeq: revision })", to: "(key, bytes)" },
    { file: "store/snapshot-store.js", from: "expect: { lastSubjectSequence: revision },", to: "" },
  ],
  // Who takes a partition over begins too late, and takes for sent what was not.
  checkpoints: [
    {
      file: "store/checkpoint-store.js",
      from: "checkpoint: decoded.ok ? decoded.value : undefined",
      to: `checkpoint: decoded.ok
            ? { ...decoded.value, replay_from: decoded.value.replay_from + 200, emitted_through: decoded.value.emitted_through + 200 }
            : undefined`,
    },
  ],
  // Of the fuzz campaign: a message that names no flow stops its partition.
  poison: [
    { file: "store/blueprint-store.js", from: "known || !HASH.test(hash)", to: "known" },
    { file: "store/blueprint-store.js", from: "if (HASH.test(hash))", to: "if (true)" },
  ],
  // A submission that cannot be read ends the process.
  crash: [
    {
      file: "orchestrator/intake.js",
      from: 'return refusal("MalformedMessage",',
      to: 'return void setImmediate(() => { throw new Error("sabotaged"); }) ?? refusal("MalformedMessage",',
    },
  ],
  // Each request with a body leaves four megabytes behind.
  leak: [
    {
      file: "gateway/http/operation.js",
      from: "await readJson(c, this.#maxBodyBytes)",
      to: "((globalThis.kept ??= []).push(Buffer.alloc(2 ** 22, 1)), await readJson(c, this.#maxBodyBytes))",
    },
  ],
};
