import { pickSome } from '../chance.ts'
import { nothing, type Trouble } from './trouble.ts'

const MINUTES: Trouble['lastsMs'] = [20_000, 240_000]
const AT_ONCE: Trouble['lastsMs'] = [0, 0]

/** After these a block of the pool may be on no bitcoind but its finder's, or on the side of a fork that lost. */
export const LOSES_BLOCKS: readonly string[] = ['bitcoin-fork', 'bitcoind-mute']

/** What happens to bitcoin nodes and to bitcoin. */
export const BITCOIN_TROUBLES: readonly Trouble[] = [
  {
    name: 'bitcoind-stall',
    lastsMs: MINUTES,
    begin: stage =>
      stage.holdNode('bitcoind', {
        begin: ({ node }) => stage.faults.stallBitcoind(node),
        end: ({ node }) => stage.faults.resumeBitcoind(node)
      })
  },
  {
    name: 'bitcoind-rewind',
    lastsMs: AT_ONCE,
    begin: stage => stage.holdNode('bitcoind', { begin: ({ node }) => stage.faults.rewindBitcoind(node), end: nothing })
  },
  {
    // For good, so of one node only.
    name: 'bitcoind-mute',
    lastsMs: AT_ONCE,
    begin: stage => {
      const [node] = stage.world.nodes
      if (node === undefined || node.bitcoind.isMuted) return null
      stage.faults.muteBitcoind(node.node)
      return nothing
    }
  },
  {
    name: 'bitcoin-fork',
    lastsMs: MINUTES,
    begin: stage => {
      const all = stage.world.nodes.map(({ node }) => node)
      const half = pickSome(stage.rng, all, Math.floor(all.length / 2))
      return stage.hold('bitcoin', {
        begin: () => stage.faults.forkBitcoin(half),
        end: () => stage.faults.healBitcoin()
      })
    }
  }
]
