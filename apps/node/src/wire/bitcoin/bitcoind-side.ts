import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { type BitcoindConfig, BlockSubmitter, BlockWatch, type SolvedBlock, TemplateFeed } from '@p2poolv2/bitcoind'
import type { ChainName } from '@p2poolv2/consensus'
import type { NodeEvent } from '@p2poolv2/node'
import type { BlockHash } from '@p2poolv2/primitives'
import { type Log, MESSAGES, type Part } from '@p2poolv2/runtime'
import type { FoundBlockFolder } from '../../data/found-blocks.ts'
import { STOP_RANK } from '../stop-order.ts'
import { BITCOIN_CHAINS } from './bitcoin-chains.ts'

/** A block found just before the end is money: its submission gets this long before it is given up until the next start. */
const SUBMIT_BEFORE_END_MS = 2_000
/**
 * Reading a template of some thousand transactions takes as long as so many miners' jobs. It waits until all miners have the work without
 * transactions, unless more than these still wait for theirs: they get the whole template at once then, and one job in place of two.
 */
const READ_FOR_MINERS = 1_024
/** A template is read all the same if miners wait for what there is for longer than this. */
const READ_WITHIN_MS = 1_000

export interface BitcoindSideOptions {
  readonly nodes: readonly BitcoindConfig[]
  readonly chain: ChainName
  /** Work without transactions on a new block while its template is not there. */
  readonly emptyFirst: boolean
  /** Where the hex of found blocks is kept. */
  readonly folder: Pick<FoundBlockFolder, 'persist' | 'settled' | 'remove' | 'kept' | 'unanswered'>
  /** What the records say of blocks found before. */
  readonly recentBlocks: readonly { readonly blockHash: string; readonly result: string }[]
}

type FoundOnRecord = { readonly blockHash: BlockHash; readonly bitcoinHeight: number; readonly result: string }

/** What connects the node to bitcoin: templates in, found blocks out. */
export interface BitcoindSide {
  /** To every bitcoin node at once, and to disk. */
  readonly submitBlock: (block: SolvedBlock) => void
  readonly submission: Part
  readonly feed: Part
  /** Submits again what a crash kept the answer to; starts after the feed. */
  readonly unanswered: Part
}

/**
 * @param deps.blocks those on record
 * @param deps.post where templates, the state of the bitcoin nodes and their answers go
 */
export function bitcoindSide(
  options: BitcoindSideOptions,
  deps: {
    readonly blocks: () => readonly FoundOnRecord[]
    /** Miners that are still to get the newest work. */
    readonly unservedMiners: () => number
    readonly post: (event: NodeEvent) => void
    readonly log: Log
  }
): BitcoindSide {
  const { nodes, chain, emptyFirst, folder, recentBlocks } = options
  const { post, log } = deps
  const submitting = new AbortController()
  let tip: { readonly hash: BlockHash; readonly bitcoinHeight: number } | null = null
  /** From the disk, until the machine has them handed over. */
  const again = new Set<BlockHash>()
  const postKept = (block: SolvedBlock): void => {
    again.add(block.blockHash)
    post({ type: 'blockKept', ...block })
  }
  const handOverAgain = async ({ blockHash, bitcoinHeight }: FoundOnRecord): Promise<void> => {
    const block = await folder.kept({ blockHash, bitcoinHeight })
    log.warn(MESSAGES.blockForgotten, { blockHash, bitcoinHeight, isKept: block !== null })
    if (block !== null) postKept(block)
  }
  const watch = new BlockWatch(nodes, {
    blocks: deps.blocks,
    tip: () => tip,
    onFate: fate => post({ type: 'blockFate', ...fate }),
    onForgotten: block => void handOverAgain(block)
  })
  const feed = new TemplateFeed(
    { nodes, chains: BITCOIN_CHAINS[chain], emptyFirst: emptyFirst ? 'on' : 'off' },
    {
      onTemplate: (template, source) => {
        submitter.buildsOn(template.prevHash)
        post({ type: 'template', template, source })
        tip = { hash: template.prevHash, bitcoinHeight: template.bitcoinHeight - 1 }
        watch.look()
      },
      onStatus: status => post({ type: 'bitcoind', nodes: status }),
      whenFree: async () => {
        const fromMs = performance.now()
        const isBusy = (): boolean => deps.unservedMiners() > 0 && deps.unservedMiners() < READ_FOR_MINERS
        while (isBusy() && performance.now() - fromMs < READ_WITHIN_MS) await nextTurn()
      },
      log
    }
  )
  const submitter = new BlockSubmitter(
    { nodes },
    {
      persist: block => folder.persist(block),
      settled: (block, how) => void (how === 'superseded' ? folder.remove(block) : folder.settled(block)),
      onResult: result => post({ type: 'blockResult', ...result }),
      bitcoinHeight: () => feed.bitcoinHeight,
      log
    }
  )
  const submitBlock = (block: SolvedBlock): void => {
    const comes = again.delete(block.blockHash) ? 'again' : 'new'
    void submitter.submit(block, { signal: submitting.signal, comes })
  }
  return {
    submitBlock,
    submission: {
      name: 'block submission',
      stopRank: STOP_RANK.blockSubmission,
      stop: async ({ signal }) => {
        const ended = new AbortController()
        const isUp = pause(SUBMIT_BEFORE_END_MS, undefined, { signal: AbortSignal.any([signal, ended.signal]) })
        await Promise.race([submitter.idle(), isUp.catch(() => undefined)])
        ended.abort()
        submitting.abort()
        // A block that was kept behind another one gets to the disk now.
        await submitter.idle()
        submitter.close()
      }
    },
    feed: {
      name: 'template feed',
      start: () => feed.start(),
      stopRank: STOP_RANK.templateFeed,
      stop: async () => {
        await feed.stop()
        await watch.stop()
      }
    },
    unanswered: {
      name: 'unanswered blocks',
      start: async () => {
        for (const block of await folder.unanswered(recentBlocks)) {
          const { blockHash, bitcoinHeight } = block
          log.warn(MESSAGES.blockSubmittedAgain, { blockHash, bitcoinHeight })
          postKept(block)
        }
      }
    }
  }
}
