export {
  Lifecycle,
  type LifecycleOptions,
  type Part,
  STOP_WITHIN_MS,
  StartError,
  type StopReport
} from './lifecycle.ts'
export { createLog, type Log, type LogLevel, type LogOptions, withoutCredentials } from './log.ts'
export { type HistogramSpec, type MetricSpec, Metrics, type MetricsOptions } from './metrics.ts'
export { type Clock, nodeSha256d, systemClock, systemRng } from './ports.ts'
