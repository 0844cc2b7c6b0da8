import { inviteSchema } from '@p2poolv2/api/schema'
import { protocolTag } from '@p2poolv2/consensus'
import { encodeInvite, MAX_INVITE_ADDRESSES } from '@p2poolv2/gossip'
import { loadIdentity, peerOf } from '@p2poolv2/gossip/libp2p'
import { renderUnicodeCompact } from 'uqr'
import { ConfigError, type ConfigSources, loadConfig } from '../config.ts'
import { configuredParams } from '../data/chain-params.ts'
import { openDataDir } from '../data/data-dir.ts'
import { readGenesis } from '../data/devnet-genesis.ts'
import { inviteAddresses, inviteExtra, listenAddress } from '../wire/peers/peer-addresses.ts'
import { type NodeAt, runningNode } from './running-node.ts'

/**
 * One string with which another node joins this one: of the node that runs, else of the one that will run on this data directory.
 * @throws ConfigError when that cannot be known yet
 */
export async function invite(
  at: NodeAt,
  sources: ConfigSources
): Promise<{ readonly invite: string; readonly isRunning: boolean }> {
  const node = await runningNode(at)
  if (node !== null) return { ...(await node.get('/v1/invite', inviteSchema)), isRunning: true }
  const { config } = loadConfig(sources)
  if (config.chain === 'devnet' && config.genesis.time === undefined && readGenesis(config.data_dir) === null)
    throw new ConfigError(
      `no development chain has begun in ${config.data_dir}, so there is none to invite to: start the node (npm start), then ask again`
    )
  if (config.p2p.port === 0 && config.p2p.external_address === undefined)
    throw new ConfigError(
      'p2p.port is 0, so where the node listens is known only while it runs: start it, then ask again'
    )
  if (config.p2p.fresh_identity)
    throw new ConfigError('p2p.fresh_identity gives the node a new name at every start: start it, then ask again')
  openDataDir(config.data_dir)
  const params = configuredParams(config)
  const peer = peerOf(await loadIdentity({ directory: config.data_dir, fresh: false }))
  const addresses = inviteAddresses({ external: config.p2p.external_address, listening: [listenAddress(config.p2p)] })
  const text = encodeInvite({
    chain: params.chain,
    genesisTag: protocolTag(params),
    peer,
    addresses: addresses.slice(0, MAX_INVITE_ADDRESSES),
    extra: inviteExtra(config, params)
  })
  return { invite: text, isRunning: false }
}

/** For a phone's camera; upper case needs fewer squares and reads the same. */
export function qrText(invite: string): string {
  return `${renderUnicodeCompact(invite.toUpperCase())}\n`
}
