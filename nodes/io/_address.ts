/** Which network addresses node code may reach unless the deployment allows all: the public ones. */
import { BlockList, isIP } from "node:net";

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

/** Parts of 2000::/3 that lead elsewhere: Teredo, ORCHID, documentation, 6to4. */
const REFUSED_V6 = ["2001::/32", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20"];

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

function blockList(ranges: readonly string[], family: "ipv4" | "ipv6"): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", prefix] = range.split("/");
    list.addSubnet(network, Number(prefix), family);
  }
  return list;
}
