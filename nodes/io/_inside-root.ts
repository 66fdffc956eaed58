/** Where `io_file_*` may read and write: inside one folder, symbolic links resolved. */
import { type FileHandle, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { RayflowError } from "../../actors/sdk.ts";

/** Largest file that is read, bytes; its content has to fit into a message. */
export const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The real path of a file that is, or may come to be, inside the root. Its folder has to exist.
 *
 * A flow can make neither folders nor links, so it cannot change what was looked at; another program could, hence
 * `stillInside`.
 * @throws FileAccessDenied, FileNotFound when the folder is missing.
 */
export async function insideRoot(root: string | undefined, path: string): Promise<string> {
  if (root === undefined) throw denied("this actor has no files root: start it with --files-root");
  if (path === "" || path.includes("\0")) throw denied("not a path");
  const realRoot = await realpath(root).catch((cause) => {
    throw new RayflowError("FileAccessDenied", "the files root does not exist", { retryable: false, cause });
  });
  const asked = resolve(realRoot, path);
  // Refused before the file system is asked, so that errors do not tell what exists outside.
  if (asked !== realRoot && !asked.startsWith(realRoot + sep)) throw denied(`outside of the files root: ${path}`);
  const real = await realpathOrNew(asked, path);
  if (!real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw denied(`outside of the files root: ${path}`);
  }
  return real;
}

/**
 * Makes sure that what was opened still lies inside the root: a folder on the way may have been swapped for a link
 * after it was looked at. Where the system does not say what a handle stands for, the check before has to do.
 * @throws FileAccessDenied
 */
export async function stillInside(handle: FileHandle, root: string | undefined, path: string): Promise<void> {
  const opened = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  if (opened === undefined || root === undefined) return;
  const realRoot = await realpath(root);
  if (!opened.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw denied(`outside of the files root: ${path}`);
  }
}

/** @throws FileNotFound with the path as the flow wrote it. */
export function fileError(error: unknown, path: string): unknown {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
    case "ENOTDIR":
      return new RayflowError("FileNotFound", `no such file or folder: ${path}`, { retryable: true, cause: error });
    case "EEXIST":
      return new RayflowError("FileExists", `exists already: ${path}`, { retryable: false, cause: error });
    case "EACCES":
    case "EPERM":
    case "ELOOP":
      return new RayflowError("FileAccessDenied", `not accessible: ${path}`, { retryable: false, cause: error });
    default:
      return error;
  }
}

async function realpathOrNew(asked: string, written: string): Promise<string> {
  try {
    return await realpath(asked);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw fileError(error, written);
  }
  try {
    return join(await realpath(dirname(asked)), basename(asked));
  } catch (error) {
    throw fileError(error, written);
  }
}

function denied(message: string): RayflowError {
  return new RayflowError("FileAccessDenied", message, { retryable: false });
}
