import type { NodeResources } from "../../actors/sdk.ts";
import { isPublicAddress, networks } from "./_address.ts";

/** Public addresses, and those that the deployment allows besides. */
export function reachable({
  allowPrivateAddresses,
  allowedAddresses = [],
}: Pick<NodeResources, "allowPrivateAddresses" | "allowedAddresses">): (address: string) => boolean {
  if (allowPrivateAddresses) return () => true;
  const allowed = networks(allowedAddresses);
  return (address) => isPublicAddress(address) || allowed(address);
}
