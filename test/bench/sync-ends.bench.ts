/**
 * What a share of a sync over TCP costs each end: the newcomer is this process, its peer another one. Beside it what the newcomer would
 * pay if the shares fell from the sky: decoding them and having them judged by the chain.
 */
import '@p2poolv2/runtime/with-resolvers'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { decodeHeaderBatch, decodeShare, encodeHeaderBatch, encodeShare } from '@p2poolv2/consensus'
import { ShareChain } from '@p2poolv2/sharechain'
import { ChainBuilder, easyParams, FAR_FUTURE_MS } from '@p2poolv2/sharechain/testing'
import { LiveNode } from '../wire/live-node.ts'
import { measure, note } from './measure.ts'

const SHARES = 3_000
const SAMPLES = 5
/** As many as an answer has. */
const BATCH = 900
const SERVER = fileURLToPath(new URL('./inputs/sync-server.ts', import.meta.url))

const params = easyParams()
const builder = new ChainBuilder(params)
const shares = builder.row(builder.genesis, SHARES)
const [tip] = shares.slice(-1)
if (tip === undefined) throw new Error('a row has an end')

const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=p2pool-source', SERVER, String(SHARES)])
child.stderr.pipe(process.stderr)
const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
const hear = async <T>(): Promise<T> => {
  const { value, done } = await said.next()
  if (done === true) throw new Error('the server has ended')
  return JSON.parse(value) as T
}
const server = await hear<{ readonly address: string; readonly peer: string }>()
async function serverCpuUs(): Promise<number> {
  child.stdin.write('cpu\n')
  return (await hear<{ readonly cpuUs: number }>()).cpuUs
}

/** Decoding and the share chain, and nothing else. */
const batches: Uint8Array[] = []
for (let at = 0; at < SHARES; at += BATCH) batches.push(encodeHeaderBatch(shares.slice(at, at + BATCH)))
const bodies = shares.map(encodeShare)
let chain = new ShareChain({ params })
const alone = {
  headers: () => {
    for (const batch of batches) chain.addHeaders(decodeHeaderBatch(batch), FAR_FUTURE_MS)
  },
  shares: () => {
    for (const body of bodies) chain.addShare(decodeShare(body), 'peer', FAR_FUTURE_MS)
  }
}

const CASES = [
  { which: 'headers', unit: 'header' },
  { which: 'shares', unit: 'share' }
] as const

for (const { which, unit } of CASES) {
  await measure({
    id: `sync.alone.${which}`,
    unit,
    operationsPerSample: SHARES,
    samples: SAMPLES,
    prepare: () => {
      chain = new ShareChain({ params })
    },
    run: alone[which]
  })
}

for (const { which, unit } of CASES) {
  let newcomer: LiveNode | null = null
  const taken: { readonly serverUs: number; readonly wallSec: number }[] = []
  await measure({
    id: `sync.newcomer.${which}`,
    unit,
    operationsPerSample: SHARES,
    samples: SAMPLES,
    prepare: async () => {
      newcomer = await LiveNode.start(params, [], tip)
    },
    run: async () => {
      const node = newcomer
      if (node === null) throw new Error('the newcomer has started')
      const [beforeUs, beganMs] = [await serverCpuUs(), performance.now()]
      await node.network.connect(server.address, server.peer)
      const tipOf = () => (which === 'headers' ? node.node.chain.candidateTip() : node.node.chain.confirmedTip())
      await node.until(() => tipOf().hash === tip.hash, 600_000)
      const wallSec = (performance.now() - beganMs) / 1_000
      taken.push({ serverUs: (await serverCpuUs()) - beforeUs, wallSec })
    },
    clear: async () => {
      await newcomer?.stop()
    }
  })
  const middle = (of: (sample: (typeof taken)[number]) => number): number =>
    taken.map(of).sort((a, b) => a - b)[Math.floor(taken.length / 2)] ?? Number.NaN
  note(
    `${which}: ${(SHARES / middle(({ wallSec }) => wallSec)).toFixed(0)} a second; ` +
      `the peer that serves them pays ${(middle(({ serverUs }) => serverUs) / SHARES).toFixed(0)} µs CPU a ${unit}`
  )
}
child.stdin.end()
