export { StratumServer } from './stratum-server.ts'
