import { EndOfBytes } from '../raw/inlet.ts'
import { line, propose } from '../raw/multistream.ts'
import { newIdentity, secure } from '../raw/noise.ts'
import { dialSocket, RawPeer } from '../raw/raw-peer.ts'
import { varint } from '../raw/varint.ts'

/** Something that comes to the listener and never gets as far as a session. */
export interface Arrival {
  readonly name: string
  /** Resolves when the listener is rid of it. */
  readonly come: (port: number, base: string) => Promise<void>
  /** Only time tells: it says nothing, and the listener waits as long as it may. */
  readonly isSlow?: true
}

/** Writes bytes to the bare connection, and waits for its end; slow is what may still become a line of multistream. */
const writes = (name: string, bytes: Uint8Array, isSlow?: true): Arrival => ({
  name,
  come: async port => {
    const { socket, wire } = await dialSocket(port)
    socket.write(bytes)
    await wire.rest()
    socket.destroy()
  },
  ...(isSlow === undefined ? {} : { isSlow })
})

/** Says no to the protocol and is still spoken to. */
const proposes = (name: string, protocol: string): Arrival => ({
  name,
  come: async port => {
    const { socket, wire } = await dialSocket(port)
    socket.write(Buffer.concat([line('/multistream/1.0.0'), line(protocol)]))
    const said = await wire.take(20 + 4)
    if (said.subarray(-3).toString() !== 'na\n') throw new Error(`it said ${said}`)
    socket.destroy()
    await wire.rest()
  }
})

/** As far as Noise, with something wrong there. */
const handshakes = (
  name: string,
  wrong: { readonly prologue?: string; readonly identity?: () => ReturnType<typeof newIdentity> }
): Arrival => ({
  name,
  come: async (port, base) => {
    const { socket, wire } = await dialSocket(port)
    const pipe = { take: (n: number) => wire.take(n), write: (bytes: Uint8Array) => socket.write(bytes) }
    await propose(pipe, '/noise')
    const prologue = Buffer.from(wrong.prologue ?? `${base}/1.0.0`)
    try {
      const identity = wrong.identity?.() ?? newIdentity()
      await secure(pipe, { role: 'initiator', prologue, identity })
      await wire.rest()
    } catch (error) {
      // Our side finds the other's prologue wrong as well.
      if (error instanceof EndOfBytes && error.how === 'fin') throw error
    }
    socket.destroy()
    await wire.rest()
  }
})

/** Noise is done, and then no muxer. */
const afterNoise = (name: string, protocol: string | null, isSlow?: true): Arrival => ({
  name,
  come: async (port, base) => {
    const { socket, wire } = await dialSocket(port)
    const pipe = { take: (n: number) => wire.take(n), write: (bytes: Uint8Array) => socket.write(bytes) }
    await propose(pipe, '/noise')
    const options = { role: 'initiator', prologue: Buffer.from(`${base}/1.0.0`), identity: newIdentity() } as const
    const secured = await secure(pipe, options)
    if (protocol !== null) {
      socket.write(secured.seal(Buffer.concat([line('/multistream/1.0.0'), line(protocol)])))
      await secured.take()
      socket.end()
    }
    await wire.rest()
    socket.destroy()
  },
  ...(isSlow === undefined ? {} : { isSlow })
})

export const ARRIVALS: readonly Arrival[] = [
  writes('a request of HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), true),
  writes('a miner of Stratum', Buffer.from('{"id":1,"method":"mining.subscribe","params":[]}\n'), true),
  writes('zeros', Buffer.alloc(4_096)),
  writes('a line of multistream without end', Buffer.concat([varint(16_000), Buffer.alloc(300_000, 0x61)])),
  proposes('another security', '/tls/1.0.0'),
  proposes('no security', '/plaintext/2.0.0'),
  handshakes('another share chain', { prologue: '/p2pool/main/00000000/1.0.0' }),
  handshakes('no prologue', { prologue: '' }),
  handshakes('an identity whose signature is of another', {
    identity: () => ({ ...newIdentity(), publicKey: newIdentity().publicKey })
  }),
  handshakes('an identity that is no key', { identity: () => ({ ...newIdentity(), publicKey: Buffer.alloc(36, 1) }) }),
  afterNoise('another muxer', '/mplex/6.7.0'),
  {
    name: 'a FIN at once',
    come: async port => {
      const { socket, wire } = await dialSocket(port)
      socket.end()
      await wire.rest()
      socket.destroy()
    }
  },
  {
    name: 'an RST at once',
    come: async port => {
      const { socket } = await dialSocket(port)
      socket.resetAndDestroy()
    }
  },
  {
    name: 'a session that is reset as soon as it stands',
    come: async (port, base) => {
      const peer = await RawPeer.dial({ port, base })
      peer.reset()
    }
  },
  {
    // What the node opens in its turn must not find the connection gone and take the process with it.
    name: 'thirty sessions that are reset while the node opens streams on them',
    come: async (port, base) => {
      for (let n = 0; n < 30; n++) {
        const peer = await RawPeer.dial({ port, base, isOurs: true })
        peer.mux.open().write(line('/multistream/1.0.0'))
        if (n % 2 === 0) await peer.identify().catch(() => undefined)
        peer.reset()
      }
    }
  },
  {
    name: 'silence after connecting',
    come: async port => {
      const { socket, wire } = await dialSocket(port)
      await wire.rest()
      socket.destroy()
    },
    isSlow: true
  },
  afterNoise('silence after Noise', null, true)
]
