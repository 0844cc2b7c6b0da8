export { DEFAULT_LIMITS, type GoneReason, type StratumLimits } from './contract.ts'
export {
  StratumListenError,
  StratumServer,
  type StratumServerDeps,
  type StratumServerOptions
} from './stratum-server.ts'
