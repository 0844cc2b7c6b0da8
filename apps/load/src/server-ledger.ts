/** What a P2Poolv2 node says of itself. */
export interface NodeView {
  readonly chain: string
  /** Of the connections of this run that are still there. */
  readonly accepted: number
  readonly rejected: number
}

const ANSWERS_WITHIN_MS = 20_000

/** Addresses that belong to nobody's wallet, for chains whose coins are worth nothing: BIP 173's examples. */
const EXAMPLE_ADDRESS: Readonly<Record<string, string>> = {
  testnet4: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
  signet: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx',
  regtest: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
  devnet: 'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080'
}

/** Whose name to mine under on a test chain; null where it has to be said. */
export function exampleAddress(chain: string): string | null {
  return EXAMPLE_ADDRESS[chain] ?? null
}

/**
 * Asks the node's API what it has counted for workers whose name begins so.
 * @param api for example `http://127.0.0.1:46884`
 * @returns null when nobody answers there, or not what a node does
 */
export async function nodeView(api: string, workerPrefix: string): Promise<NodeView | null> {
  try {
    const response = await fetch(new URL('/v1/status', api), { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })
    const status = (await response.json()) as { chain?: unknown; miners?: unknown }
    const { chain, miners } = status
    if (typeof chain !== 'string' || !Array.isArray(miners)) return null
    const ours = (miners as { worker?: unknown; accepted?: unknown; rejected?: unknown }[]).filter(
      ({ worker }) => typeof worker === 'string' && worker.startsWith(workerPrefix)
    )
    return {
      chain,
      accepted: ours.reduce((sum, { accepted }) => sum + Number(accepted), 0),
      rejected: ours.reduce((sum, { rejected }) => sum + Number(rejected), 0)
    }
  } catch {
    // Whatever listens there, or nothing at all: it is not a node that can be asked.
    return null
  }
}

/** Where the node speaks Stratum V2: `stratum2+tcp://host:port/KEY`; null when it does not, or nobody answers there. */
export async function v2UrlOf(api: string): Promise<string | null> {
  try {
    const response = await fetch(new URL('/v1/connect', api), { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })
    const { stratum } = (await response.json()) as { stratum?: readonly { protocol?: unknown; url?: unknown }[] }
    const url = stratum?.find(({ protocol }) => protocol === 'v2')?.url
    return typeof url === 'string' ? url : null
  } catch {
    // As above.
    return null
  }
}
