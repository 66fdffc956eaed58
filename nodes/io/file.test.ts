import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeContext } from "../../actors/testing.ts";
import fileRead from "./file_read.ts";
import fileWrite from "./file_write.ts";

let base: string;
let filesRoot: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "rayflow-files-"));
  filesRoot = join(base, "root");
  await mkdir(join(filesRoot, "sub"), { recursive: true });
  await writeFile(join(filesRoot, "a.txt"), "ä1");
  await writeFile(join(base, "secret.txt"), "secret");
  await mkdir(join(base, "root-beside"));
  await writeFile(join(base, "root-beside", "b.txt"), "beside");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const context = () => fakeContext({ resources: { filesRoot } });
const read = async (path: string, config = {}) =>
  (await fileRead.execute?.({ path }, config, context()))?.outputs.content;
const write = async (path: string, content: string, config = {}) =>
  (await fileWrite.execute?.({ path, content }, config, context()))?.outputs;

describe("reading", () => {
  it("gives text, or base64 when asked", async () => {
    expect(await read("a.txt")).toBe("ä1");
    expect(await read("sub/../a.txt")).toBe("ä1");
    expect(await read(join(filesRoot, "a.txt"))).toBe("ä1");
    expect(await read("a.txt", { encoding: "base64" })).toBe("w6Qx");
  });

  it("a link inside the root may lead to another place inside", async () => {
    await symlink(join(filesRoot, "a.txt"), join(filesRoot, "sub", "link"));
    expect(await read("sub/link")).toBe("ä1");
  });

  it("what is not UTF-8 is refused as text", async () => {
    await writeFile(join(filesRoot, "bin"), Buffer.from([0xff, 0xfe, 0]));
    await expect(read("bin")).rejects.toMatchObject({ code: "ConversionError", retryable: false });
    expect(await read("bin", { encoding: "base64" })).toBe("//4A");
  });

  it("a file that is too large, missing, or no file is refused", async () => {
    await writeFile(join(filesRoot, "large"), Buffer.alloc(1024 * 1024 + 1));
    execFileSync("mkfifo", [join(filesRoot, "pipe")]);
    await expect(read("large")).rejects.toMatchObject({ code: "PayloadTooLarge" });
    await expect(read("missing")).rejects.toMatchObject({
      code: "FileNotFound",
      message: expect.not.stringContaining(base),
    });
    await expect(read("missing/deeper")).rejects.toMatchObject({ code: "FileNotFound" });
    await expect(read("sub")).rejects.toMatchObject({ code: "FileAccessDenied" });
    await expect(read("pipe")).rejects.toMatchObject({ code: "FileAccessDenied" });
  });
});

describe("outside of the root", () => {
  it.each([
    ["../secret.txt"],
    ["sub/../../secret.txt"],
    ["../root-beside/b.txt"],
    ["/etc/passwd"],
    [".."],
    ["."],
    [""],
    ["a\0.txt"],
    ["../does-not-exist"],
  ])("%j is neither read nor written", async (path) => {
    await expect(read(path)).rejects.toMatchObject({ code: "FileAccessDenied", retryable: false });
    await expect(write(path, "x")).rejects.toMatchObject({ code: "FileAccessDenied", retryable: false });
  });

  it("links do not lead there", async () => {
    await symlink(join(base, "secret.txt"), join(filesRoot, "file-link"));
    await symlink(base, join(filesRoot, "dir-link"));
    await symlink(join(base, "new.txt"), join(filesRoot, "dangling"));
    for (const path of ["file-link", "dir-link/secret.txt", "dir-link/new.txt", "dangling"]) {
      for (const mode of ["overwrite", "append", "create"]) {
        await expect(write(path, "x", { mode })).rejects.toMatchObject({ code: "FileAccessDenied" });
      }
    }
    await expect(read("file-link")).rejects.toMatchObject({ code: "FileAccessDenied" });
    await expect(read("dir-link/secret.txt")).rejects.toMatchObject({ code: "FileAccessDenied" });
    expect(await readFile(join(base, "secret.txt"), "utf8")).toBe("secret");
    expect((await readdir(base)).sort()).toEqual(["root", "root-beside", "secret.txt"]);
  });

  it("and without a files root nothing is read", async () => {
    await expect(fileRead.execute?.({ path: "a.txt" }, {}, fakeContext())).rejects.toMatchObject({
      code: "FileAccessDenied",
      message: expect.stringContaining("--files-root"),
    });
  });
});

describe("writing", () => {
  it("overwrites, and leaves no draft behind", async () => {
    expect(await write("sub/new.txt", "one")).toEqual({ success: true });
    expect(await write("sub/new.txt", "two")).toEqual({ success: true });
    expect(await read("sub/new.txt")).toBe("two");
    expect(await readdir(join(filesRoot, "sub"))).toEqual(["new.txt"]);
  });

  it("appends", async () => {
    await write("log", "a", { mode: "append" });
    await write("log", "b", { mode: "append" });
    expect(await read("log")).toBe("ab");
  });

  it("create fails when the file exists", async () => {
    await write("once", "a", { mode: "create" });
    await expect(write("once", "b", { mode: "create" })).rejects.toMatchObject({
      code: "FileExists",
      retryable: false,
    });
    expect(await read("once")).toBe("a");
  });

  it("takes base64, and refuses what is none", async () => {
    await write("bin", "//4A", { encoding: "base64" });
    expect(await readFile(join(filesRoot, "bin"))).toEqual(Buffer.from([0xff, 0xfe, 0]));
    await expect(write("bin", "not base64!", { encoding: "base64" })).rejects.toMatchObject({
      code: "ValidationError",
    });
  });

  it("a folder that is missing is said to be", async () => {
    await expect(write("missing/x", "a")).rejects.toMatchObject({ code: "FileNotFound" });
    await expect(write("sub", "a")).rejects.toMatchObject({ code: "FileAccessDenied" });
  });
});
