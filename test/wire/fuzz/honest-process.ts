// An honest peer as a process of its own: `PORT BASE`. It asks for something several times a second, and says for every request how
// long its answer took, in milliseconds, or why there was none.
import { ACK, getShare, inventory, NO_HASH } from '../raw/messages.ts'
import { RawPeer } from '../raw/raw-peer.ts'

const ASK_EVERY_MS = 40
const [port = '', base = ''] = process.argv.slice(2)
const NOT_FOUND = Buffer.concat([Buffer.from([1, 0]), NO_HASH])

let peer = await RawPeer.dial({ port: Number(port), base })
let turn = 0

async function ask(): Promise<void> {
  const startMs = performance.now()
  const [question, expected] = turn++ % 2 === 0 ? [inventory([]), ACK] : [getShare(NO_HASH), NOT_FOUND]
  const answer = await peer.ask(question)
  if (answer?.equals(expected) !== true) throw new Error(`a wrong answer: ${answer?.toString('hex')}`)
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - startMs })}\n`)
}

/** Says so, and comes again if it was put out. */
async function fail(error: unknown): Promise<void> {
  process.stdout.write(`${JSON.stringify({ failed: String(error) })}\n`)
  if (peer.over === null) return
  try {
    peer = await RawPeer.dial({ port: Number(port), base })
  } catch {
    // The next request says so again.
  }
}

setInterval(() => {
  ask().catch(fail)
}, ASK_EVERY_MS)
process.stdin.on('end', () => process.exit(0)).resume()
