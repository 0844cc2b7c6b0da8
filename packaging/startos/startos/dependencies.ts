import { sdk } from './sdk'

/** Bitcoin's own service turns on ZMQ when its owner accepts the task that its settings page offers; without it blocks are asked for. */
export const setDependencies = sdk.setupDependencies(async () => ({
  bitcoind: { kind: 'running', versionRange: '>=29.1', healthChecks: ['sync-progress'] }
}))
