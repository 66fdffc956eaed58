/** The shown past run in the page's address, `#/run/<id>`: so it can be sent to somebody, and outlives a reload. */
const RUN = /^#\/run\/([A-Za-z0-9_-]{6,64})$/;

/** The address before the first run was opened. */
let before: string | undefined;

export function runInAddress(hash = location.hash): string | undefined {
  return RUN.exec(hash)?.[1];
}

export function putRunInAddress(run: string | undefined): void {
  const now = runInAddress();
  if (run === now) return;
  if (run === undefined) {
    put(before ?? "");
    before = undefined;
    return;
  }
  if (now === undefined) before = location.hash;
  put(`#/run/${run}`);
}

function put(hash: string): void {
  history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
}
