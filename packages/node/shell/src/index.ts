export type { KeptFigures } from './live-metrics.ts'
export { type Machine, NodeShell } from './node-shell.ts'
export { Telemetry } from './telemetry.ts'
