/** What the system or a library said, without its stack; of errors with causes the innermost knows best. */
export function innermostReason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : innermostReason(error.cause)
}
