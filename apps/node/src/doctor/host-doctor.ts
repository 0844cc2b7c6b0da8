import type { Config } from '../settings.ts'
import { BITCOIN_CHAINS } from '../wire/bitcoin/bitcoin-chains.ts'
import { bitcoindFacts } from './bitcoind-facts.ts'
import { BITCOIND_PROBES } from './bitcoind-probes.ts'
import { type Check, checked } from './check.ts'
import { computerFacts, type RunningPorts } from './computer-facts.ts'
import { COMPUTER_PROBES } from './computer-probes.ts'
import { SETTINGS_PROBES, type SettingsFacts } from './settings-probes.ts'

/** Looks at what lies outside the node: configuration, computer, bitcoin nodes. In the order in which one would look. */
export async function hostChecks(
  settings: Omit<SettingsFacts, 'config'> & { readonly config: Config },
  running: RunningPorts | null
): Promise<readonly Check[]> {
  const { config, file } = settings
  const [computer, ...nodes] = await Promise.all([
    computerFacts(config, file, running),
    ...config.bitcoind.map(entry => bitcoindFacts(entry))
  ])
  const checks = [
    ...checked(SETTINGS_PROBES, settings),
    // Where the embedded chain stands in there is one thing to say.
    ...checked(BITCOIND_PROBES.slice(0, nodes.length === 0 ? 1 : BITCOIND_PROBES.length), {
      nodes,
      chains: BITCOIN_CHAINS[config.chain]
    }),
    ...checked(COMPUTER_PROBES, computer)
  ]
  // Without a share chain there are no peers, and a green light for them would be a lie.
  return config.mode === 'sharechain' ? checks : checks.filter(({ group }) => group !== 'peers')
}

/** Looking costs a little of disk and bitcoin nodes: whoever asks again so soon is told the same. */
const FRESH_MS = 20_000

/** The same for a page that asks again and again: one look at a time, and none while the last is fresh. */
export function keptChecks(
  look: () => Promise<readonly Check[]>,
  nowMs: () => number
): () => Promise<readonly Check[]> {
  let last: { readonly atMs: number; readonly checks: Promise<readonly Check[]> } | null = null
  return () => {
    const now = nowMs()
    if (last === null || now - last.atMs >= FRESH_MS) last = { atMs: now, checks: look() }
    return last.checks
  }
}
