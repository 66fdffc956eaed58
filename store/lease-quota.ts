/** How many partitions each replica is due: the same answer in every replica that sees the same members. */

/** `members` sorted; the first of them get one more when it does not come out even. 0 for a stranger. */
export function quotaOf(id: string, members: readonly string[], partitions: number): number {
  const rank = members.indexOf(id);
  if (rank < 0) return 0;
  return Math.floor(partitions / members.length) + (rank < partitions % members.length ? 1 : 0);
}
