import type { MinerId, NodeEffect } from '@p2poolv2/node'
import type { MinerLine } from './miner-line.ts'
import type { Hands, Surroundings } from './surroundings.ts'

/** Performs one effect of a node against the virtual world: what the shell does with sockets, LevelDB and bitcoind. */
export function performEffect(node: Hands, effect: NodeEffect, around: Surroundings): void {
  const { peers, witness } = around
  switch (effect.type) {
    case 'submitBlock':
      node.bitcoind.submit(effect.blockHash, effect.blockHex)
      break
    case 'verdict': {
      const message = peers.verdict(node.node, effect.messageId, effect.verdict)
      if (message !== null) witness.judged(node.node, message, effect.verdict)
      break
    }
    case 'publish':
    case 'request':
    case 'respond':
    case 'penalise':
    case 'otherRules':
    case 'dropPeer':
      peers.perform(node.node, effect)
      break
    case 'sendMiner':
      lineOf(node, effect.miner)?.carry(effect.output)
      break
    case 'closeMiner':
      lineOf(node, effect.miner)?.closed()
      break
    case 'readShares': {
      const { requestId, hashes, afterSequence } = effect
      node.store.read({ afterSequence, question: disk => disk.readNow(hashes) }, shares =>
        node.post({ type: 'sharesRead', for: effect.for, requestId, hashes, shares })
      )
      break
    }
    case 'readArchive': {
      const { requestId, afterSequence, locator, limit } = effect
      node.store.read({ afterSequence, question: disk => disk.archiveNow(locator, limit) }, heights =>
        node.post({ type: 'archiveRead', requestId, heights })
      )
      break
    }
    case 'readHeaders': {
      const { requestId, hashes, afterSequence } = effect
      node.store.read(
        { afterSequence, question: disk => disk.readHeadersNow(hashes).map(record => record?.batch ?? null) },
        batches => node.post({ type: 'headersRead', for: effect.for, requestId, batches })
      )
      break
    }
    case 'commit': {
      const { delta } = effect
      node.tellBacklog(node.backlog.given(delta))
      node.store.commit(delta, () => {
        node.tellBacklog(node.backlog.written(delta))
        node.post({ type: 'committed', sequence: delta.sequence })
      })
      break
    }
    case 'keepShare':
    case 'letGoOfShare':
    case 'keepAccounting':
    case 'keepFigures':
    case 'report':
      break
    case 'stop':
      node.crash()
      break
    default:
      effect satisfies never
  }
}

function lineOf(node: Hands, miner: MinerId): MinerLine | undefined {
  return node.lines.find(line => line.id === miner)
}
