import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { bool, defineNode, RayflowError, str, z } from "../../actors/sdk.ts";
import { fileError, insideRoot, stillInside } from "./_inside-root.ts";

export default defineNode({
  type: "io_file_write",
  title: "Write file",
  category: "io",
  description:
    "Writes a file inside the actor's files root; its folder has to exist. append may repeat its text when the step is retried.",
  inputs: { path: str(), content: str() },
  outputs: { success: bool() },
  config: z.object({
    encoding: z.enum(["utf8", "base64"]).default("utf8"),
    mode: z
      .enum(["overwrite", "append", "create"])
      .default("overwrite")
      .describe("create: fails when the file exists."),
  }),
  async run({ inputs: { path, content }, config, ctx }) {
    const bytes = config.encoding === "base64" ? fromBase64(content) : Buffer.from(content);
    const { filesRoot } = ctx.resources;
    const file = await insideRoot(filesRoot, path);
    const check: Check = (handle) => stillInside(handle, filesRoot, path);
    try {
      await refuseSpecial(file, path);
      await (config.mode === "overwrite" ? replace(file, bytes, check) : write(file, bytes, config.mode, check));
    } catch (error) {
      throw fileError(error, path);
    }
    return { success: true };
  },
});

type Check = (handle: FileHandle) => Promise<void>;

/** Readers see the old file or the new one, never half of it. */
async function replace(file: string, bytes: Buffer, check: Check): Promise<void> {
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await write(draft, bytes, "create", check);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

async function write(file: string, bytes: Buffer, mode: "append" | "create", check: Check): Promise<void> {
  const how = mode === "append" ? constants.O_APPEND : constants.O_EXCL;
  const handle = await open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | how);
  try {
    await check(handle);
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}

/** Folders, pipes, devices, and links that lead nowhere (all others were resolved). */
async function refuseSpecial(file: string, written: string): Promise<void> {
  const stats = await lstat(file).catch(() => undefined);
  if (stats && !stats.isFile()) {
    throw new RayflowError("FileAccessDenied", `not a file: ${written}`, { retryable: false });
  }
}

function fromBase64(text: string): Buffer {
  const compact = text.replace(/\s/g, "");
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(compact)) {
    throw new RayflowError("ValidationError", 'input "content": not base64');
  }
  return Buffer.from(compact, "base64");
}
