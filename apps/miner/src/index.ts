export { CpuMiner, type CpuMinerOptions, type CpuMinerStats } from './cpu-miner.ts'
export { grind, type NonceRange } from './grind.ts'
export { StratumClient, type StratumClientHandlers, type StratumClientOptions } from './stratum-client.ts'
