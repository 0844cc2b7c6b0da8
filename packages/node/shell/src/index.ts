export { AccountingStore } from './accounting-store.ts'
export { type Machine, NodeShell } from './node-shell.ts'
export { Telemetry } from './telemetry.ts'
export { TextStore, TextStoreError } from './text-store.ts'
