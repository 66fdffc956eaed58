/** Inputs made from valid ones: a few places of a JSON value changed, or the bytes themselves; now and then pure garbage. */
import fc from "fast-check";

/** Values that programs trip over. */
const weird: fc.Arbitrary<unknown> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom<unknown>(null, true, false, 0, -1, 1.5, "", " ", [], {}, "null", "__proto__"),
  },
  { weight: 3, arbitrary: fc.constantFrom(2 ** 31, 2 ** 53, -(2 ** 53), 1e308, 5e-324, Number.MAX_SAFE_INTEGER) },
  {
    weight: 3,
    arbitrary: fc.constantFrom("a".repeat(300), "é\u0000\ud83d", "../../etc/passwd", "rayflow.>", "*", "a.b", "%00"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom({ $secret: "x" }, { $blob: { id: "run/x/y" } }, { constructor: { prototype: 1 } }),
  },
  { weight: 2, arbitrary: fc.nat(80).map((depth) => nested(depth)) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3_000 }).map((length) => Array.from({ length }, (_, at) => at)) },
  { weight: 1, arbitrary: fc.constant("x".repeat(70_000)) },
  { weight: 4, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let at = 0; at < depth; at++) value = at % 2 === 0 ? [value] : { a: value };
  return value;
}

const change = fc.record({
  at: fc.nat(),
  how: fc.constantFrom("replace", "replace", "delete", "repeat", "add", "proto", "swap"),
  value: weird,
});

/** JSON values near one of the templates. The templates are left as they are. */
export function near(templates: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc
    .tuple(fc.constantFrom(...templates), fc.array(change, { maxLength: 4 }))
    .map(([template, changes]) => changes.reduce<unknown>(apply, structuredClone(template)));
}

type Container = Record<string, unknown> | unknown[];
type Change = { at: number; how: string; value: unknown };

function apply(root: unknown, { at, how, value: given }: Change): unknown {
  // The same object may be given twice: a value that holds itself is no JSON.
  const value = structuredClone(given);
  const places = placesIn(root);
  const place = places[at % Math.max(1, places.length)];
  if (!place) return value;
  const { holder, key } = place;
  if (how === "delete") remove(holder, key);
  else if (how === "repeat" && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]));
  else if (how === "add") put(holder, `k${at % 7}`, value);
  else if (how === "proto") put(holder, "__proto__", value);
  else if (how === "swap") {
    const other = places[(at * 7 + 3) % places.length];
    if (other) put(holder, key, structuredClone(Reflect.get(other.holder, other.key)));
  } else put(holder, key, value);
  return root;
}

function placesIn(root: unknown): { holder: Container; key: string }[] {
  const places: { holder: Container; key: string }[] = [];
  const open: unknown[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== "object" || value === null) continue;
    for (const key of Object.keys(value)) {
      places.push({ holder: value as Container, key });
      open.push(Reflect.get(value, key));
    }
  }
  return places;
}

function put(holder: Container, key: string, value: unknown): void {
  if (Array.isArray(holder)) holder[Number.isNaN(Number(key)) ? holder.length : Number(key)] = value;
  else Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function remove(holder: Container, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else delete holder[key];
}

/** A value as bytes: mostly its JSON; sometimes cut, with a byte changed, or of no sense at all. */
export function bytesOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  const json = value.map((one) => Buffer.from(JSON.stringify(one) ?? ""));
  return fc.oneof(
    { weight: 12, arbitrary: json },
    {
      weight: 2,
      arbitrary: fc.tuple(json, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => changed(bytes, at, byte)),
    },
    { weight: 1, arbitrary: fc.tuple(json, fc.nat()).map(([bytes, at]) => bytes.subarray(0, at % (bytes.length + 1))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
    // Deep enough to end a parser that recurses.
    {
      weight: 1,
      arbitrary: fc.integer({ min: 1, max: 40_000 }).map((n) => Buffer.from("[".repeat(n) + "]".repeat(n))),
    },
  );
}

function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) copy[at % copy.length] = byte;
  return copy;
}

/** Text for one token of a subject, a part of a path, a header. */
export const token: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "sum",
    "math_add",
    "0",
    "7",
    "8",
    "-1",
    "1e9",
    "nope",
    "r0000000000000000000000000",
    "many",
    "A".repeat(200),
  ),
  fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
);
