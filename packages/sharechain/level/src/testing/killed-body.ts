/** What the process that is killed writes under each hash. */
export const KILLED_BODY: Uint8Array = new Uint8Array(2000).fill(7)
