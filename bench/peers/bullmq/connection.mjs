/**
 * How BullMQ reaches its Redis. Auto-pipelining was tried and is no faster.
 * @param {number} port
 */
export const connection = (port) => ({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
