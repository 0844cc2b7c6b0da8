export { CpuMiner } from './cpu-miner.ts'
