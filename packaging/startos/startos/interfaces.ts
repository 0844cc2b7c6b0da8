import { sdk } from './sdk'
import { PAGE_PORT, PEER_PORT, STRATUM_PORT } from './settings'

const PLAIN = { masked: false, schemeOverride: null, username: null, path: '', query: {} } as const

export const setInterfaces = sdk.setupInterfaces(async ({ effects }) => {
  const host = sdk.MultiHost.of(effects, 'main')

  const page = await host.bindPort(PAGE_PORT, { protocol: 'http', preferredExternalPort: 80 })
  const pageReceipt = await page.export([
    sdk.createInterface(effects, {
      ...PLAIN,
      name: 'Page',
      id: 'ui',
      description: 'Earnings, miners, share chain and checks',
      type: 'ui'
    })
  ])

  // Plain for miners that know no TLS, and TLS that StartOS ends.
  const stratum = await host.bindPort(STRATUM_PORT, {
    protocol: null,
    addSsl: { preferredExternalPort: 4333, alpn: null, addXForwardedHeaders: false, auth: null },
    preferredExternalPort: STRATUM_PORT,
    secure: { ssl: false }
  })
  const stratumReceipt = await stratum.export([
    sdk.createInterface(effects, {
      ...PLAIN,
      name: 'Stratum',
      id: 'stratum',
      description: 'Where miners connect',
      type: 'api'
    })
  ])

  const peers = await host.bindPort(PEER_PORT, {
    protocol: null,
    addSsl: null,
    preferredExternalPort: PEER_PORT,
    secure: { ssl: false }
  })
  const peersReceipt = await peers.export([
    sdk.createInterface(effects, {
      ...PLAIN,
      name: 'Peers',
      id: 'peer',
      description: 'Where other nodes connect',
      type: 'p2p'
    })
  ])
  return [pageReceipt, stratumReceipt, peersReceipt]
})
