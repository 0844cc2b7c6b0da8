import { type ShareHash, shareHash } from '@p2poolv2/primitives'
import type { NodeProgram } from '../../e2e/stage/node-program.ts'
import { confirmedChain, hasShare, isOvertaken, storedHeader, withStoredChain } from '../../e2e/stage/stored-chain.ts'

/** What the soak does to its nodes makes them say, by the message's id. */
const EXPLAINED: ReadonlyMap<string, string> = new Map([
  ['P2P-0101', 'its bitcoind is away'],
  ['P2P-0109', 'a block was found while a bitcoind was away'],
  ['P2P-0110', 'and is handed over again when it is back'],
  ['P2P-0111', 'its node was killed before bitcoind had answered'],
  ['P2P-0301', 'a node that starts again waits for its peers']
])
/** The check among those at a start that fails because its bitcoind is away. */
const EXPLAINED_CHECK = /^P2P-0010 .*\(.*\bbitcoin-rpc\b/
/** What a node said so shortly before it was killed may not have left it. */
const DYING_MS = 2_000

interface MadeShare {
  readonly share: ShareHash
  readonly height: number
  readonly by: number
  /** Whether its node was killed just then. */
  readonly wasDying: boolean
}

interface Held {
  readonly text: string
  readonly breaches: readonly string[]
}

/** What the nodes of a soak said over all their lives: shares made, warnings, errors. */
export class NodeWords {
  readonly #made: MadeShare[] = []
  readonly #warnings = new Map<string, number>()
  #errors = 0

  /** One life of a node is over. */
  heard(by: number, node: NodeProgram, ending: 'stopped' | 'killed'): void {
    const lastMs = Date.parse(String(node.log.at(-1)?.['time']))
    for (const line of node.log) {
      if (line.level === 'error') this.#errors++
      if (line.level === 'error' || line.level === 'warn') {
        const about = [line['part'], line['check'], line['found']].filter(text => text !== undefined).join(', ')
        const key = `${String(line['id'])} ${line.msg}${about === '' ? '' : ` (${about})`}`
        this.#warnings.set(key, (this.#warnings.get(key) ?? 0) + 1)
      }
      if (line.msg !== 'one of our miners made a share') continue
      const wasDying = ending === 'killed' && Date.parse(String(line['time'])) > lastMs - DYING_MS
      this.#made.push({ share: shareHash(String(line['shareHash'])), height: Number(line['height']), by, wasDying })
    }
  }

  text(): string {
    const rows = [...this.#warnings].map(([key, count]) => {
      const why = explanation(key)
      return `  ${count} times ${key}${why === undefined ? '' : `: ${why}`}`
    })
    return ['warnings and errors:', ...rows].join('\n')
  }

  unexplained(): readonly string[] {
    const strange = [...this.#warnings.keys()].filter(key => explanation(key) === undefined)
    return [
      ...strange.map(key => `nothing that was done explains: ${key}`),
      ...(this.#errors > 0 ? [`${this.#errors} errors in the logs`] : [])
    ]
  }

  /** Whether each share counts: confirmed, named as an uncle, or overtaken while its maker was away. @param dataDirs of the stopped nodes */
  async holdAgainst(dataDirs: readonly string[]): Promise<Held> {
    let [overtaken, died, tooNew] = [0, 0, 0]
    const breaches: string[] = []
    const open = await this.#uncounted(dataDirs[0] ?? '')
    for (const [by, dataDir] of dataDirs.entries()) {
      const own = open.filter(made => made.by === by)
      const made = this.#made.filter(one => one.by === by).map(({ share }) => share)
      if (own.length === 0) continue
      await withStoredChain(dataDir, 'devnet', async stored => {
        const chain = await confirmedChain(stored)
        for (const { share, height, wasDying } of own) {
          if (height + stored.params.uncleDepth >= chain.length) {
            tooNew++
            continue
          }
          const isKept = await hasShare(stored, share)
          const later = new Map(made.slice(made.indexOf(share) + 1).map(one => [one, true] as const))
          if (isKept && (await isOvertaken(stored, { chain, height, share }, later))) overtaken++
          else if (wasDying) died++
          else breaches.push(`share ${share} of node ${by} counts nowhere`)
        }
      })
    }
    const named = this.#made.length - open.length
    return {
      text: `${this.#made.length} shares were made: ${named} count, ${overtaken} were overtaken, ${died} died with their node, ${tooNew} may be named yet, ${breaches.length} lost`,
      breaches
    }
  }

  /** Those that no confirmed share is or names. The newest are: all nodes have one tip, and rest. */
  async #uncounted(dataDir: string): Promise<MadeShare[]> {
    return withStoredChain(dataDir, 'devnet', async stored => {
      const chain = await confirmedChain(stored)
      const counted = new Set<ShareHash>(chain)
      for (const hash of chain) for (const uncle of (await storedHeader(stored, hash)).uncles) counted.add(uncle)
      return this.#made.filter(({ share }) => !counted.has(share))
    })
  }
}

function explanation(key: string): string | undefined {
  return EXPLAINED_CHECK.test(key)
    ? 'it was started while its bitcoind was away'
    : EXPLAINED.get(key.split(' ')[0] ?? '')
}
