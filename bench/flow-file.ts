/** Writes flows as the editor exports them: what users deploy. */
export interface FlowFile {
  node(id: string, type: string, data?: NodeData): FlowFile;
  /** Exec edges along a list: `chain("start", "a", "ret")`; `"loop.body"` names the pin it leaves by. */
  chain(...path: string[]): FlowFile;
  /** A data edge: `"a.result"` to `"b.x"`. */
  data(source: string, target: string): FlowFile;
  build(): unknown;
}

export interface NodeData {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly constantValues?: Readonly<Record<string, unknown>>;
}

export function flowFile(name: string): FlowFile {
  const nodes: unknown[] = [];
  const edges: unknown[] = [];
  const split = (end: string): [string, string | undefined] => {
    const [id = "", pin] = end.split(".");
    return [id, pin];
  };
  const file: FlowFile = {
    node(id, type, data = {}) {
      nodes.push({ id, type, position: { x: 240 * nodes.length, y: 0 }, data: { label: id, ...data } });
      return file;
    },
    chain(...path) {
      for (const [i, to] of path.slice(1).entries()) {
        const [source, pin = "out"] = split(path[i] ?? "");
        const [target] = split(to);
        edges.push({
          id: `e${edges.length}`,
          source,
          sourceHandle: `exec-${pin}`,
          target,
          targetHandle: "exec-in",
        });
      }
      return file;
    },
    data(from, to) {
      const [source, output] = split(from);
      const [target, input] = split(to);
      edges.push({
        id: `e${edges.length}`,
        source,
        sourceHandle: `output-${output}`,
        target,
        targetHandle: `input-${input}`,
      });
      return file;
    },
    build: () => ({
      metadata: { name, version: "1.0.0" },
      variables: {},
      flow: { nodes: [...nodes], edges: [...edges] },
    }),
  };
  return file;
}
