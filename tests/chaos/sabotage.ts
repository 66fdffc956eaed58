/** The negative controls: each switches one of the guarantees off, in the processes of a campaign and nowhere else. */
export const sabotages = ["dedup", "fencing", "checkpoints"] as const;
export type Sabotage = (typeof sabotages)[number];
