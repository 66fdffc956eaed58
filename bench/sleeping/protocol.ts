/** What the process with the sleeping runs says, of each run. */
export interface SleepingAnswer {
  readonly type: "slept";
  /** From the first submission until all rest. */
  readonly seconds: number;
  /** Heap and buffers after garbage collection, bytes. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}
