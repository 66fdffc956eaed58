/** The flow in the page's address, `#/flow/<name>`: a reload opens it again. Other addresses are left alone. */

const FLOW = /^#\/flow\/([^/?]+)/;

export function flowInAddress(hash = location.hash): string | undefined {
  const name = FLOW.exec(hash)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name);
}

export function putFlowInAddress(name: string | undefined): void {
  const hash = name === undefined ? "" : `#/flow/${encodeURIComponent(name)}`;
  if (location.hash !== hash) history.replaceState(null, "", `${location.pathname}${location.search}${hash}`);
}
