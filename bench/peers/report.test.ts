import { describe, expect, it } from "vitest";
import { standing } from "../contest.ts";
import { readOptions } from "./options.mjs";
import { markdown } from "./report.mjs";

const machine = {
  cpu: "some processor",
  cores: 2,
  memory_gib: 24,
  kernel: "6",
  node: "v20",
  nats_server: "2.14.0",
  commit: "abc",
  load_before: 0,
  date: "2026-01-01T00:00:00Z",
};

describe("the peers' report", () => {
  const figure = "W1 256: steps/s";
  const samples = new Map([
    ["RayFlow", [{ [figure]: 300 }, { [figure]: 200 }, { [figure]: 400 }]],
    ["Peer", [{ [figure]: 100 }, { [figure]: 100 }, { [figure]: 200 }]],
  ]);
  const text = markdown({
    machine,
    versions: { RayFlow: "1", Peer: "2" },
    skipped: { Other: "no server" },
    failures: [{ name: "Third", durability: "fsync", why: "it ended\nwith much to say" }],
    classes: [
      {
        durability: "fsync",
        reference: "RayFlow",
        standings: [...samples.keys()].map((name) => standing(name, samples)),
      },
    ],
  });
  const rows = text.split("\n").filter((line) => line.startsWith("| Peer "));

  it("shows medians with their spread", () => {
    expect(rows[0]).toContain("| Peer | 100 (100-200) |");
  });

  it("divides RayFlow's figures by the peer's of the same round", () => {
    // 3, 2 and 2: not the quotient of the medians, which is 3.
    expect(rows[1]).toContain("| Peer | 2.00 (2.00-3.00) |");
  });

  it("says who was left out, and why", () => {
    expect(text).toContain("**Other was skipped: no server**");
    expect(text).toContain("**Third (fsync) failed: it ended**");
  });
});

describe("the peers' command line", () => {
  it("measures everything in three rounds by default", () => {
    expect(readOptions([])).toMatchObject({ rounds: 3, only: [], durabilities: ["written", "fsync"] });
  });

  it.each([
    [["--full", "--quick"], "not both"],
    [["--durability", "none"], "--durability"],
    [["--rounds", "0"], "--rounds"],
  ])("refuses %j", (args, why) => {
    expect(() => readOptions(args)).toThrow(why);
  });
});
