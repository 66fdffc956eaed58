import { describe, expect, it, test } from "vitest";
import { isPublicAddress, networks } from "./_address.ts";

it.each([
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "100.100.100.200",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.0.0.192",
  "192.168.1.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:10.0.0.1",
  "::ffff:a00:1",
  "::ffff:8.8.8.8",
  "::127.0.0.1",
  "64:ff9b::7f00:1",
  "2001:0:1::1",
  "2001:db8::1",
  "2002:7f00:1::",
  "fc00::1",
  "fd00:ec2::254",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "localhost",
  "",
])("%s is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

it.each([
  "8.8.8.8",
  "1.1.1.1",
  "100.63.255.255",
  "172.32.0.1",
  "192.169.0.1",
  "2606:4700::1111",
  "2001:4860:4860::8888",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

describe("networks", () => {
  test("say which addresses lie in them", () => {
    const inside = networks(["10.1.0.0/16", "192.168.0.7", "fd00::/8"]);
    for (const address of ["10.1.2.3", "192.168.0.7", "fd12::1"]) expect(inside(address)).toBe(true);
    for (const address of ["10.2.0.1", "192.168.0.8", "fe80::1", "10.1.2.3x", "localhost"]) {
      expect(inside(address)).toBe(false);
    }
  });

  test("that are none are refused", () => {
    for (const wrong of ["10.0.0.0/33", "10.0.0/8", "host", "", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/ "]) {
      expect(() => networks([wrong])).toThrow(/no address and no network/);
    }
  });
});
