import { FileHelper } from '@start9labs/start-sdk'
import { sdk } from './sdk'
import { BITCOIND_MOUNT, PAGE_PORT, STRATUM_PORT, settings } from './settings'

const BITCOIND = 'bitcoind.startos'
/** As many as the node takes. */
const MAX_NAMES = 16

export const main = sdk.setupMain(async ({ effects }) => {
  const needed = await sdk.checkDependencies(effects)
  needed.throwIfNotSatisfied()
  // The page answers by names it was told, so that no page of elsewhere can point a name of its own here.
  const host = await sdk.host.getOwn(effects, 'main').const()
  const page = host?.bindings[PAGE_PORT]?.interfaces['ui']
  const urls = page?.addressInfo.format('url') ?? []
  const names = urls.map(url => (url instanceof URL ? url.hostname : '')).filter(name => /[a-z]/i.test(name))
  const payoutAddress = await settings.read(s => s.payoutAddress).const(effects)

  const subcontainer = await sdk.SubContainer.of(
    effects,
    { imageId: 'node' },
    sdk.Mounts.of()
      .mountVolume({ volumeId: 'main', subpath: null, mountpoint: '/data', readonly: false })
      .mountDependency({
        dependencyId: 'bitcoind',
        volumeId: 'main',
        subpath: null,
        mountpoint: BITCOIND_MOUNT,
        readonly: true
      }),
    'node'
  )
  // Bitcoin writes another cookie at each start: then this service starts again as well.
  await FileHelper.string(`${await subcontainer.rootfs}${BITCOIND_MOUNT}/.cookie`)
    .read()
    .const(effects)

  return sdk.Daemons.of(effects)
    .addDaemon('node', {
      subcontainer,
      exec: {
        command: sdk.useEntrypoint(['start', '--data-dir', '/data', '--api-host', '0.0.0.0']),
        sigtermTimeout: 20_000,
        env: {
          P2POOL_CHAIN: 'main',
          P2POOL_BITCOIND__URL: `http://${BITCOIND}:8332`,
          P2POOL_BITCOIND__COOKIE_FILE: `${BITCOIND_MOUNT}/.cookie`,
          P2POOL_BITCOIND__ZMQ_HASHBLOCK: `tcp://${BITCOIND}:28332`,
          P2POOL_API__HOST_NAMES: [...new Set(names)].slice(0, MAX_NAMES).join(','),
          P2POOL_STRATUM__TRUSTED_RANGES: '10.0.0.0/8',
          ...(payoutAddress ? { P2POOL_STRATUM__BARE_NAME_ADDRESS: payoutAddress } : {})
        }
      },
      ready: {
        display: 'Node',
        gracePeriod: 60_000,
        fn: () =>
          sdk.healthCheck.checkWebUrl(effects, `http://127.0.0.1:${PAGE_PORT}/livez`, {
            successMessage: 'The node runs',
            errorMessage: 'The node does not answer'
          })
      },
      requires: []
    })
    .addHealthCheck('work', {
      ready: {
        display: 'Work for miners',
        fn: () =>
          sdk.healthCheck.checkWebUrl(effects, `http://127.0.0.1:${PAGE_PORT}/readyz`, {
            successMessage: 'Miners get work that can become shares',
            errorMessage: 'Miners get no such work yet: the page says why'
          })
      },
      requires: ['node']
    })
    .addHealthCheck('stratum', {
      ready: {
        display: 'Door for miners',
        fn: () =>
          sdk.healthCheck.checkPortListening(effects, STRATUM_PORT, {
            successMessage: 'Miners can connect',
            errorMessage: 'Miners cannot connect'
          })
      },
      requires: ['node']
    })
})
