import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { defineNode, RayflowError, str, z } from "../../actors/sdk.ts";
import { fileError, insideRoot, MAX_FILE_BYTES, stillInside } from "./_inside-root.ts";

export default defineNode({
  type: "io_file_read",
  title: "Read file",
  category: "io",
  description: "A file's content, from inside the actor's files root; 1 MiB at most.",
  inputs: { path: str() },
  outputs: { content: str() },
  config: z.object({ encoding: z.enum(["utf8", "base64"]).default("utf8") }),
  async run({ inputs: { path }, config, ctx }) {
    const bytes = await readAll(ctx.resources.filesRoot, path);
    return { content: config.encoding === "base64" ? bytes.toString("base64") : decode(bytes, path) };
  },
});

async function readAll(root: string | undefined, written: string): Promise<Buffer> {
  const file = await insideRoot(root, written);
  // Non-blocking, for a named pipe would otherwise wait for its writer; no link, for it was resolved already.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  const handle = await open(file, flags).catch((error) => {
    throw fileError(error, written);
  });
  try {
    await stillInside(handle, root, written);
    const stats = await handle.stat();
    if (!stats.isFile()) throw new RayflowError("FileAccessDenied", `not a file: ${written}`, { retryable: false });
    if (stats.size > MAX_FILE_BYTES) {
      throw new RayflowError("PayloadTooLarge", `${written} has ${stats.size} bytes; ${MAX_FILE_BYTES} at most`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function decode(bytes: Buffer, written: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const message = `${written} is not UTF-8 text: set config encoding to base64`;
    throw new RayflowError("ConversionError", message, { retryable: false, cause });
  }
}
