export { AddressRangeError } from './address-ranges.ts'
export type { Door } from './contract.ts'
export { Recorder } from './recorder.ts'
export { StratumServer } from './stratum-server.ts'
