import { expect, test } from "vitest";
import {
  type BlobReference,
  blobId,
  blobTypeOf,
  describeUnreadable,
  isBlobReference,
  referenceFits,
  runOfBlob,
} from "./blob-reference.ts";
import { checkInputs } from "./inputs.ts";
import { parsePinType } from "./pin-type.ts";

const sha256 = "ab".repeat(32);
const reference = (more: Partial<BlobReference["$blob"]> = {}): BlobReference => ({
  $blob: { id: blobId("r1", sha256), size: 5, sha256, type: "list", ...more },
});

test("a reference is known, and says whose it is", () => {
  expect(isBlobReference(reference())).toBe(true);
  expect(runOfBlob(reference())).toBe("r1");
});

test.each([
  ["null", null],
  ["a list", [reference()]],
  ["a key more", { ...reference(), more: 1 }],
  ["a key more inside", { $blob: { ...reference().$blob, more: 1 } }],
  ["an id that leaves the run", reference({ id: `run/../${sha256}` })],
  ["an id of somebody else's object", reference({ id: "history/1" })],
  ["an id of another content", reference({ id: blobId("r1", "cd".repeat(32)) })],
  ["no digest", reference({ sha256: "" })],
  ["a prototype's property", Object.create(reference())],
])("no reference: %s", (_, value) => {
  expect(isBlobReference(value)).toBe(false);
});

test.each([
  ["list", "list", true],
  ["list", "list[float]", true],
  ["list", "any", true],
  ["list", "dict", false],
  ["str", "str", true],
  ["str", "int", false],
  ["int", "float", true],
])("what refers to a %s fits a pin of type %s: %s", (held, pin, fits) => {
  const type = parsePinType(pin);
  expect(type && referenceFits(reference({ type: blobTypeOf(sample[held as "int"]) }), type)).toBe(fits);
});
const sample = { list: [1], str: "a", int: 1 };

test("an input may be a reference to a value of the declared type", () => {
  const schema = { items: { type: "list[int]", required: true }, name: { type: "str" } };
  expect(checkInputs(schema, { items: reference() })).toEqual({ values: { items: reference() }, problems: [] });
  expect(checkInputs(schema, { items: [], name: reference() }).problems).toHaveLength(1);
});

test("what the machine cannot read is said with its size and a way out", () => {
  expect(describeUnreadable(reference({ size: 3_000_000 }), 'input "list" of each')).toMatch(
    /^input "list" of each is a list of 2930 KiB: .*a node/,
  );
});
