/**
 * A lock between processes: a folder that holds its owner's pid. It is made elsewhere and renamed into place, which
 * fails when there is one already, so it is never seen without its owner.
 */
import fs from "node:fs";
import path from "node:path";

/** No set-up takes this long: a lock this old was left behind, and its pid may be another process by now. */
const MAX_AGE_MS = 20 * 60_000;
const POLL_MS = 100;

/** Runs `work` while it holds the lock; waits for whoever holds it now, and takes it over from the dead. */
export async function withLock(dir, say, work) {
  let waited = false;
  while (!tryLock(dir)) {
    if (isStale(dir)) {
      discard(dir);
      continue;
    }
    if (!waited) say("Waiting for another set-up in this folder ...");
    waited = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => {
    if (owner(dir) === process.pid) discard(dir);
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

function tryLock(dir) {
  const own = unique(dir);
  fs.mkdirSync(own, { recursive: true });
  fs.writeFileSync(path.join(own, "pid"), String(process.pid));
  try {
    fs.renameSync(own, dir);
    return true;
  } catch {
    fs.rmSync(own, { recursive: true, force: true });
    return false;
  }
}

function owner(dir) {
  try {
    return Number(fs.readFileSync(path.join(dir, "pid"), "utf8"));
  } catch {
    return undefined;
  }
}

function isStale(dir) {
  const pid = owner(dir);
  const stat = fs.statSync(dir, { throwIfNoEntry: false });
  if (stat === undefined) return false;
  if (Date.now() - stat.mtimeMs > MAX_AGE_MS) return true;
  return pid !== undefined && !isAlive(pid);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Moves the lock away before removing it: of several who try, one succeeds. */
function discard(dir) {
  const away = unique(dir);
  try {
    fs.renameSync(dir, away);
  } catch {
    return;
  }
  fs.rmSync(away, { recursive: true, force: true });
}

function unique(dir) {
  return `${dir}.${process.pid}.${Math.random().toString(36).slice(2)}`;
}
