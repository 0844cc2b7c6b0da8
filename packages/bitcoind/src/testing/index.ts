export { type FoundBitcoind, findBitcoind } from './find-bitcoind.ts'
export { RealBitcoind, type RealBitcoindOptions } from './real-bitcoind.ts'
export { TemplateGate } from './template-gate.ts'
