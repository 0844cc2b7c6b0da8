const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds of the system's monotonic clock, the same for all threads and processes of this computer. */
export function nowMs(): number {
  return OFFSET_MS + performance.now()
}
