/** Which network addresses node code may reach unless the deployment allows all: the public ones. */
import { BlockList, isIP } from "node:net";
import { RayflowError } from "../../actors/sdk.ts";

/** Everything that is not the public internet (IANA special-purpose registry), and cloud metadata services. */
const REFUSED_V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];

/** Parts of 2000::/3 that lead elsewhere: protocol assignments (Teredo, ORCHID, benchmarks), documentation, 6to4. */
const REFUSED_V6 = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

const refused = blockList(REFUSED_V4, "ipv4");
const refusedV6 = blockList(REFUSED_V6, "ipv6");
const globalUnicast = blockList(["2000::/3"], "ipv6");

/**
 * Whether an IP address is on the public internet. For IPv6 only global unicast is: so IPv4-mapped, NAT64, loopback,
 * unique-local, link-local and multicast addresses are not.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, "ipv4");
    case 6:
      // A zone id only goes with link-local addresses.
      return !address.includes("%") && globalUnicast.check(address, "ipv6") && !refusedV6.check(address, "ipv6");
    default:
      return false;
  }
}

/**
 * Says whether an address lies in one of these networks (`10.1.0.0/16`, `fd00::/8`) or is one of these addresses.
 * @throws UsageError naming what is neither
 */
export function networks(ranges: readonly string[]): (address: string) => boolean {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    const family = isIP(network);
    const longest = family === 4 ? 32 : 128;
    const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    if ((family !== 4 && family !== 6) || !(length <= longest)) {
      throw new RayflowError("UsageError", `no address and no network: ${range}`);
    }
    lists[family].addSubnet(network, length, family === 4 ? "ipv4" : "ipv6");
  }
  return (address) => {
    const family = isIP(address);
    return family === 4 ? lists[4].check(address, "ipv4") : family === 6 && lists[6].check(address, "ipv6");
  };
}

function blockList(ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
