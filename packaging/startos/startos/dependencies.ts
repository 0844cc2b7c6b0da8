import { sdk } from './sdk'

/** ZMQ is turned on in the settings of Bitcoin's own service, as instructions.md says; without it blocks are asked for. */
export const setDependencies = sdk.setupDependencies(async () => ({
  bitcoind: { kind: 'running', versionRange: '>=29.1', healthChecks: ['sync-progress'] }
}))
