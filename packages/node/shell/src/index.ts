export { type Machine, NodeShell } from './node-shell.ts'
export { Telemetry } from './telemetry.ts'
