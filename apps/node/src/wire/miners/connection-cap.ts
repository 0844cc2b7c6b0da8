import { type Log, MESSAGES } from '@p2poolv2/runtime'

/**
 * Files, and connections to bitcoin nodes, the page and built-in miners, that must stay possible whatever miners do: a
 * found block is written to disk and handed over on new ones. Of a low limit half is left.
 */
const RESERVED_DESCRIPTORS = 512

/** Descriptors this process may have open, or null where the system does not say. */
export function descriptorLimit(): number | null {
  const report: unknown = process.report.getReport()
  const limits = fieldOf(report, 'userLimits')
  const soft = fieldOf(fieldOf(limits, 'open_files'), 'soft')
  return typeof soft === 'number' ? soft : null
}

/** Miners connected at once: as many as configured, but never so many that they take the last descriptors. */
export function connectionCap(configured: number, limit: number | null): number {
  if (limit === null) return configured
  const spare = Math.min(RESERVED_DESCRIPTORS, Math.floor(limit / 2))
  return Math.max(1, Math.min(configured, limit - spare))
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

/** The configured cap as far as the system lets it be held; says so in the log if it does not. */
export function openConnectionCap(configured: number, log: Log): number {
  const openFiles = descriptorLimit()
  const cap = connectionCap(configured, openFiles)
  if (cap < configured) log.warn(MESSAGES.openFilesFew, { configured, openFiles, cap })
  return cap
}
