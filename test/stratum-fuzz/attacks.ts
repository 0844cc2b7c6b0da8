import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Dice } from '../wire/fuzz/attacks.ts'

/** Who is attacked, and under whose name one can log in there. */
export interface StratumVictim {
  readonly port: number
  readonly user: string
}

/** Lines of a miner, as they would be right. */
function goodLines(dice: Dice, user: string): readonly string[] {
  const hex = (bytes: number): string => dice.bytes(bytes).toString('hex')
  const id = dice.below(1_000)
  const request = (method: string, params: unknown): string => JSON.stringify({ id, method, params })
  return [
    request('mining.subscribe', ['fuzz/1']),
    request('mining.subscribe', ['bitaxe/BM1370/v2.9', hex(8)]),
    request('mining.authorize', [`${user}.fuzz`, 'd=1,p2p=x']),
    request('mining.configure', [['version-rolling', 'minimum-difficulty'], { 'version-rolling.mask': hex(4) }]),
    request('mining.submit', [`${user}.fuzz`, hex(8), hex(8), hex(4), hex(4), hex(4)]),
    request('mining.submit', [user, '1', hex(8), hex(4), hex(4)]),
    request('mining.suggest_difficulty', [dice.oneOf([1, 0, -1, 1e308, '1e-9', null])]),
    request('mining.suggest_target', [hex(32)]),
    request('mining.extranonce.subscribe', []),
    request('mining.ping', []),
    request(dice.oneOf(['mining.multi_version', 'mining.get_transactions', 'client.reconnect', 'x']), [])
  ]
}

/** Lines that no miner sends, and that parsers stumble over. */
function oddLines(dice: Dice, user: string): readonly string[] {
  const depth = 1 + dice.below(3_000)
  return [
    '['.repeat(depth) + ']'.repeat(depth),
    `{"id":1,"method":"mining.submit","params":${'['.repeat(depth)}${']'.repeat(depth)}}`,
    `{"id":${'9'.repeat(1 + dice.below(400))},"method":"mining.ping","params":[]}`,
    '{"id":1,"id":2,"method":"mining.ping","method":"mining.submit","params":[],"params":{}}',
    `{"id":"${'\\u0000'.repeat(dice.below(300))}","method":"mining.authorize","params":["${user}","x"]}`,
    `{"id":{"a":[1]},"method":"mining.subscribe","params":{"__proto__":{"x":1}}}`,
    `{"id":null,"method":"mining.submit","params":["${'ä'.repeat(dice.below(500))}"]}`,
    `${' '.repeat(dice.below(9_000))}{}`,
    '{"id":1,"result":true,"error":null}',
    '{}',
    'null',
    '"',
    `{"id":1,"method":"mining.submit","params":["${user}","${'f'.repeat(dice.below(9_000))}","00","00","00"]}`
  ]
}

/** A handful of lines, some of them changed, as one stream of bytes. */
function stream(dice: Dice, user: string): Buffer {
  const lines = Array.from({ length: 1 + dice.below(20) }, () => {
    const line = Buffer.from(dice.oneOf(dice.below(4) === 0 ? oddLines(dice, user) : goodLines(dice, user)))
    return dice.below(3) === 0 ? dice.mutated(line) : line
  })
  return Buffer.concat(lines.flatMap(line => [line, Buffer.from(dice.oneOf(['\n', '\n', '\n', '\r\n', '\n\n', '']))]))
}

const FLOODERS_ADDRESS = '127.0.0.2'
/** Lines of one write. */
const FLOOD_LINES = 400

function login(user: string): string {
  return `{"id":1,"method":"mining.subscribe","params":["fuzz/1"]}\n{"id":2,"method":"mining.authorize","params":["${user}.fuzz","x"]}\n`
}

type Attack = (socket: Socket, dice: Dice, user: string) => Promise<void>

/** The bytes in pieces that have nothing to do with lines. */
async function inPieces(socket: Socket, dice: Dice, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable; ) {
    const length = dice.oneOf([1, 2, 7, 64, 400, bytes.length])
    socket.write(bytes.subarray(at, at + length))
    at += length
    // A piece of its own for the other side, too: most of the time it has read the last one.
    if (length < 64) await new Promise(resolve => setImmediate(resolve))
  }
}

const ATTACKS: readonly Attack[] = [
  async (socket, dice, user) => inPieces(socket, dice, stream(dice, user)),
  async (socket, dice, user) => {
    socket.write(login(user))
    await inPieces(socket, dice, stream(dice, user))
  },
  async (socket, dice) => {
    socket.write(dice.bytes(1 + dice.below(20_000)))
  },
  // Many at once, of which nobody reads the answers.
  async (socket, dice, user) => {
    socket.pause()
    socket.write(login(user))
    const line = dice.oneOf(goodLines(dice, user))
    socket.write(`${line}\n`.repeat(1 + dice.below(3_000)))
  },
  // An endless line, and one that ends just below the limit.
  async (socket, dice) => {
    socket.write(`{"id":1,"method":"${'x'.repeat(dice.oneOf([8_100, 8_191, 8_192, 8_193, 100_000]))}`)
    socket.write('","params":[]}\n')
  },
  // Submits for the job it really has, right but for one thing.
  async (socket, dice, user) => {
    socket.write(login(user))
    const [chunk] = (await Promise.race([once(socket, 'data'), once(socket, 'close')])) as [unknown]
    const jobId = /"mining\.notify","params":\["([0-9a-f]+)"/.exec(String(chunk))?.[1] ?? '1'
    for (let n = 0; n < 50; n++) {
      const params = [`${user}.fuzz`, jobId, dice.bytes(8).toString('hex'), '6553f100', dice.bytes(4).toString('hex')]
      params[dice.below(params.length)] = dice.oneOf(['', '0', 'zz', 'ffffffffffffffffff', '-1', '00000000'])
      await inPieces(socket, dice, Buffer.from(`${JSON.stringify({ id: n, method: 'mining.submit', params })}\n`))
    }
  }
]

/** One connection and what is done with it. Ends when the victim has answered, hung up, or the time is over. */
export async function attack(victim: StratumVictim, dice: Dice, withinMs: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: victim.port, localAddress: `127.200.0.${1 + dice.below(250)}` })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const patience = setTimeout(() => socket.destroy(), withinMs)
  socket.resume()
  await Promise.race([once(socket, 'connect').catch(() => undefined), closed])
  await dice.oneOf(ATTACKS)(socket, dice, victim.user)
  const end = dice.below(4)
  if (end === 0) socket.resetAndDestroy()
  else if (end === 1) socket.end()
  else if (end === 2) socket.destroy()
  else setTimeout(() => socket.destroy(), dice.below(withinMs))
  await closed
  clearTimeout(patience)
}

/** Logs in and sends shares, each with work to judge, as fast as they are read and for as long as `isOn`. */
export async function flood({ port, user }: StratumVictim, dice: Dice, isOn: () => boolean): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: FLOODERS_ADDRESS })
  socket.on('error', () => {})
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  let job = { id: '1', timeHex: '6553f100' }
  socket.on('data', chunk => {
    const [, id, timeHex] =
      /"mining\.notify","params":\["([0-9a-f]+)".*?"([0-9a-f]{8})",(?:true|false)\]/.exec(chunk.toString('latin1')) ??
      []
    if (id !== undefined && timeHex !== undefined) job = { id, timeHex }
  })
  socket.write(login(user))
  await Promise.race([once(socket, 'data').catch(() => undefined), closed])
  while (isOn() && socket.writable) {
    const flood = Buffer.from(submitLine(user, job).repeat(FLOOD_LINES), 'latin1')
    // Every line is another share, and costs who sends it next to nothing.
    const nonces = dice.bytes(FLOOD_LINES * NONCE_BYTES).toString('hex')
    for (let n = 0; n < FLOOD_LINES; n++) {
      const end = (n + 1) * (flood.length / FLOOD_LINES) - SUBMIT_END.length
      flood.write(nonces.slice(n * 2 * NONCE_BYTES, (n + 1) * 2 * NONCE_BYTES), end - 2 * NONCE_BYTES, 'latin1')
    }
    if (!socket.write(flood)) await Promise.race([once(socket, 'drain').catch(() => undefined), closed])
  }
  socket.destroy()
  await closed
}

const NONCE_BYTES = 4
const SUBMIT_END = '"]}\n'

function submitLine(user: string, { id, timeHex }: { readonly id: string; readonly timeHex: string }): string {
  return `{"id":7,"method":"mining.submit","params":["${user}.fuzz","${id}","${'00'.repeat(8)}","${timeHex}","${'00'.repeat(NONCE_BYTES)}${SUBMIT_END}`
}
