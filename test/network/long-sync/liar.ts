// A peer that lies, as a process of its own: `DATA_DIR FORK_DEPTH AHEAD`. It has a prepared chain, and beside its end a heavier one that is
// mined for real and pays everything to its finder; it tells everybody of that one. It says where it is as a JSON line.
import '@p2poolv2/runtime/with-resolvers'
import { encodeHeaderBatch, encodeShare, type Share } from '@p2poolv2/consensus'
import { decodeMessage, encodeMessage, type PeerEvent } from '@p2poolv2/gossip'
import { loadIdentity, type Network, startNetwork } from '@p2poolv2/gossip/libp2p'
import { invariant, type ShareHash, unixMs, ZERO_SHARE_HASH } from '@p2poolv2/primitives'
import { createLog, systemClock } from '@p2poolv2/runtime'
import { headersMessage } from '../../../packages/gossip/src/peers/fit-answer.ts'
import { wrapEncoded } from '../../../packages/gossip/src/wire/messages.ts'
import { nextShare, openPrepared, payeeOf } from '../prepared-chain.ts'

const HEADERS_AN_ANSWER = 900

const [dataDir = '', forkDepth = '', ahead = ''] = process.argv.slice(2)
const { params, chain, store } = await openPrepared(dataDir)
const honest = chain.confirmedTip().height
const fork = honest - Number(forkDepth)

/** Its chain by height, and what of it is made up. */
const hashes: ShareHash[] = Array.from({ length: fork + 1 }, (_, height) => {
  const hash = chain.confirmedHashAt(height)
  invariant(hash !== undefined, 'the chain has every height')
  return hash
})
const forged = new Map<ShareHash, Share>()
for (let height = fork + 1; height <= honest + Number(ahead); height++) {
  const [parent] = hashes.slice(-1)
  invariant(parent !== undefined, 'it parts from the chain')
  const share = nextShare(chain, { params, parent, height, payee: payeeOf(params, 66_666), spoilt: true })
  const { verdict } = chain.addHeaders([share], unixMs(share.header.timeSec * 1_000))
  invariant(verdict.type === 'accepted', 'its headers are right')
  hashes.push(share.hash)
  forged.set(share.hash, share)
}
const places = new Map(hashes.map((hash, height) => [hash, height]))

async function headersAfter(locator: readonly ShareHash[], stop: ShareHash): Promise<Uint8Array | null> {
  const at = Math.max(0, ...locator.map(hash => places.get(hash) ?? 0))
  const wanted = hashes.slice(at + 1, at + 1 + HEADERS_AN_ANSWER)
  const end = wanted.indexOf(stop)
  const sent = end < 0 ? wanted : wanted.slice(0, end + 1)
  const stored = await store.readHeaders(sent)
  const batches = sent.map((hash, n) => {
    const share = forged.get(hash)
    const bytes = share === undefined ? stored[n]?.batch : encodeHeaderBatch([share])
    invariant(bytes !== undefined, 'it has every header of its chain')
    return bytes
  })
  return headersMessage(
    batches,
    sent.map((_, n) => at + 1 + n),
    sent.length
  )
}

async function body(hash: ShareHash): Promise<Uint8Array> {
  const share = forged.get(hash)
  if (share !== undefined) return wrapEncoded('shareBlock', encodeShare(share))
  const [bytes] = places.has(hash) ? await store.readShares([hash]) : []
  return bytes === undefined || bytes === null
    ? encodeMessage({ type: 'notFound', kind: 'share', hash })
    : wrapEncoded('shareBlock', bytes)
}

async function answer(payload: Uint8Array): Promise<Uint8Array | null> {
  const message = decodeMessage(payload)
  switch (message.type) {
    case 'getShareHeaders':
      return headersAfter(message.locator, message.stop)
    case 'getData':
      return message.kind === 'share' ? body(message.hash) : null
    case 'handshake':
      return hello
    case 'inventory':
    case 'shareBlock':
      return encodeMessage({ type: 'ack' })
    default:
      return null
  }
}

const hello = encodeMessage({
  type: 'handshake',
  tipHeight: hashes.length - 1,
  tipHash: hashes.at(-1) ?? ZERO_SHARE_HASH
})
let requestId = 0
function hear(network: Network, event: PeerEvent): void {
  if (event.type === 'peerConnected') {
    const told = { type: 'request', protocol: 'shares', payload: hello, timeoutMs: 10_000 } as const
    network.perform({ ...told, peer: event.peer, requestId: requestId++ })
  } else if (event.type === 'peerRequest') {
    const { peer, requestId: asked } = event
    answer(event.payload).then(
      payload => network.perform({ type: 'respond', peer, requestId: asked, payload }),
      () => network.perform({ type: 'respond', peer, requestId: asked, payload: null })
    )
  }
}

const heard: PeerEvent[] = []
let listening: Network | null = null
listening = await startNetwork({
  params,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  privateKey: await loadIdentity({ directory: dataDir, fresh: true }),
  agent: 'p2poolv2-ts/0.0.0',
  clock: systemClock(),
  log: createLog({ level: 'silent', format: 'json' }),
  admits: () => null,
  tellPeering: () => undefined,
  tell: event => (listening === null ? heard.push(event) : hear(listening, event)),
  dialect: 'reference'
})
for (const event of heard.splice(0)) hear(listening, event)
process.stdout.write(`${JSON.stringify({ peer: listening.peer, port: listening.port, tip: hashes.at(-1) })}\n`)
process.stdin.on('end', () => process.exit(0)).resume()
