export type { KeptFigures } from './live-metrics.ts'
export { type NodePorts, NodeShell } from './node-shell.ts'
export { Telemetry } from './telemetry.ts'
