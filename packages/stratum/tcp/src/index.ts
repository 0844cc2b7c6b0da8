export { AddressRangeError } from './address-ranges.ts'
export type { Door } from './contract.ts'
export { StratumListenError } from './listen-error.ts'
export { StratumServer } from './stratum-server.ts'
