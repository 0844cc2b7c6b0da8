export { Lifecycle, type Part, StartError } from './lifecycle.ts'
export { createLog, type Log, withoutCredentials } from './log.ts'
export { type HistogramSpec, type MetricSpec, Metrics } from './metrics.ts'
export { type Clock, nodeSha256d, systemClock, systemRng } from './ports.ts'
