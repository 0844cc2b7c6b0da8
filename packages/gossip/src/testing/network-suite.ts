import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Dialect, PeerEffect, PeerEvent, PeerId, Protocol, Topic, TopicVerdict } from '../network-port.ts'
import { MAX_PAYLOAD_BYTES, MAX_TOPIC_BYTES } from '../wire/protocols.ts'

/** A node as the suite sees it: who is behind a port of the network. */
export interface SuiteNode {
  readonly dialect: Dialect
  readonly tell: (event: PeerEvent) => void
}

/** One port of a network. */
export interface NetworkEnd {
  /** What other nodes call it. */
  readonly peer: PeerId
  perform(effect: PeerEffect): void
  /** The node ends: its connections close. */
  stop(): void
}

/** A network with nodes on it, and what its tests need around it. Its time may be virtual or not. */
export interface NetworkRig {
  readonly ends: readonly NetworkEnd[]
  /** Lets time pass until it is so. @throws if it does not come to be so for long */
  until(holds: () => boolean): Promise<void>
  /** One node tries to connect to another; over when the attempt is, whatever came of it. */
  dial(from: number, to: number): Promise<void>
  /** A ban this long outlasts an attempt to connect. */
  readonly banMs: number
  dispose(): Promise<void>
}

/**
 * Puts nodes on a network and connects them.
 * @param edges who dials whom, by index
 * @returns when both ends of every edge have been told of it
 */
export type MakeNetwork = (
  nodes: readonly SuiteNode[],
  edges: readonly (readonly [dialer: number, listener: number])[]
) => Promise<NetworkRig>

const ROW = [
  [0, 1],
  [1, 2]
] as const
const RING = [...[0, 1, 2, 3].map(node => [node, (node + 1) % 4] as const), [0, 2] as const]

/** Keeps what it is told, and answers what a test wants answered. */
class Listener implements SuiteNode {
  readonly dialect: Dialect
  readonly told: PeerEvent[] = []
  /** Null holds the message back until the test judges it. */
  judges: (data: Uint8Array) => TopicVerdict | null = () => 'accept'
  /** 'silent' leaves a request without answer. */
  answers: (payload: Uint8Array) => Uint8Array | null | 'silent' = payload => payload
  end: NetworkEnd | null = null

  constructor(dialect: Dialect) {
    this.dialect = dialect
  }

  readonly tell = (event: PeerEvent): void => {
    this.told.push(event)
    if (event.type === 'gossip') {
      const verdict = this.judges(event.data)
      if (verdict !== null) this.judge(event, verdict)
    } else if (event.type === 'peerRequest') {
      const payload = this.answers(event.payload)
      if (payload !== 'silent') this.answer(event, payload)
    }
  }

  of<T extends PeerEvent['type']>(type: T): Extract<PeerEvent, { readonly type: T }>[] {
    return this.told.filter((event): event is Extract<PeerEvent, { readonly type: T }> => event.type === type)
  }

  /** Requests that came, by number. */
  get asked(): { readonly peer: PeerId; readonly requestId: number }[] {
    return byNumber(this.of('peerRequest'))
  }

  /** Those whose answers have left, by number. */
  get left(): { readonly peer: PeerId; readonly requestId: number }[] {
    return byNumber(this.of('responded'))
  }

  /** First bytes of the topic messages it was handed. */
  get heard(): number[] {
    return this.of('gossip').map(({ data }) => data[0] ?? -1)
  }

  judge({ peer, messageId }: Extract<PeerEvent, { type: 'gossip' }>, verdict: TopicVerdict): void {
    this.perform({ type: 'verdict', peer, messageId, verdict })
  }

  answer({ peer, requestId }: Extract<PeerEvent, { type: 'peerRequest' }>, payload: Uint8Array | null): void {
    this.perform({ type: 'respond', peer, requestId, payload })
  }

  publish(topic: Topic, ...bytes: number[]): void {
    this.perform({ type: 'publish', topic, data: Uint8Array.from(bytes) })
  }

  perform(effect: PeerEffect): void {
    if (this.end === null) throw new Error('it is on the network')
    this.end.perform(effect)
  }
}

function byNumber(events: readonly { readonly peer: PeerId; readonly requestId: number }[]) {
  return events.map(({ peer, requestId }) => ({ peer, requestId })).sort((a, b) => a.requestId - b.requestId)
}

/** What every network under the gossip machine has to do (`network-port.ts`). */
export function describeNetwork(name: string, makeNetwork: MakeNetwork): void {
  describe(`a network ${name}`, () => {
    let rig: NetworkRig
    let nodes: Listener[] = []

    const start = async (dialects: readonly Dialect[], edges: Parameters<MakeNetwork>[1]): Promise<void> => {
      nodes = dialects.map(dialect => new Listener(dialect))
      rig = await makeNetwork(nodes, edges)
      nodes.forEach((node, i) => {
        node.end = rig.ends[i] ?? null
      })
    }
    const node = (index: number): Listener => {
      const found = nodes[index]
      if (found === undefined) throw new Error('there is such a node')
      return found
    }
    const peer = (index: number): PeerId => rig.ends[index]?.peer ?? ''
    let lastId = 0
    const ask = (from: number, to: number, payload: Uint8Array, protocol: Protocol = 'shares', timeoutMs = 5_000) => {
      const requestId = ++lastId
      node(from).perform({ type: 'request', peer: peer(to), requestId, protocol, payload, timeoutMs })
      return requestId
    }
    const ends = (index: number, id: number): PeerEvent[] =>
      node(index).told.filter(
        event => (event.type === 'peerResponse' || event.type === 'requestFailed') && event.requestId === id
      )
    const ended = (index: number, id: number): Promise<void> => rig.until(() => ends(index, id).length > 0)

    afterEach(async () => {
      await rig.dispose()
    })

    describe('of three nodes in a row', () => {
      beforeEach(async () => {
        await start(['ours', 'ours', 'ours'], ROW)
      })

      it('tells each end of a connection once, and who dialled', () => {
        const [dialled, accepted] = [{ direction: 'outbound' }, { direction: 'inbound' }] as const
        const told = (index: number) =>
          node(index)
            .of('peerConnected')
            .sort((a, b) => (a.peer === peer(0) || b.peer === peer(2) ? -1 : 1))
        expect(told(0)).toEqual([{ type: 'peerConnected', peer: peer(1), dialect: 'ours', ...dialled }])
        expect(told(1)).toEqual([
          { type: 'peerConnected', peer: peer(0), dialect: 'ours', ...accepted },
          { type: 'peerConnected', peer: peer(2), dialect: 'ours', ...dialled }
        ])
        expect(told(2)).toEqual([{ type: 'peerConnected', peer: peer(1), dialect: 'ours', ...accepted }])
      })

      it.each(['shares', 'templates', 'rules'] as const)(
        'carries a request on the protocol %s and its answer',
        async protocol => {
          node(1).answers = payload => Uint8Array.of(...payload, 9)
          const id = ask(0, 1, Uint8Array.of(1, 2), protocol)
          await ended(0, id)
          expect(node(1).of('peerRequest')).toMatchObject([{ peer: peer(0), protocol, payload: Uint8Array.of(1, 2) }])
          expect(ends(0, id)).toEqual([{ type: 'peerResponse', requestId: id, payload: Uint8Array.of(1, 2, 9) }])
        }
      )

      it('carries requests both ways, also from the one that was dialled', async () => {
        const id = ask(1, 0, Uint8Array.of(4))
        await ended(1, id)
        expect(ends(1, id)).toEqual([{ type: 'peerResponse', requestId: id, payload: Uint8Array.of(4) }])
      })

      it('tells of a stream that was closed without an answer', async () => {
        node(1).answers = () => null
        const id = ask(0, 1, Uint8Array.of(1))
        await ended(0, id)
        expect(ends(0, id)).toEqual([{ type: 'peerResponse', requestId: id, payload: null }])
      })

      it('brings every answer to its own request, in whatever order they are given', async () => {
        node(1).answers = () => 'silent'
        const ids = [1, 2, 3].map(n => ask(0, 1, Uint8Array.of(n)))
        await rig.until(() => node(1).of('peerRequest').length === 3)
        for (const request of node(1).of('peerRequest').reverse()) node(1).answer(request, request.payload)
        for (const id of ids) await ended(0, id)
        const answers = ids.flatMap(id => ends(0, id)).map(event => ('payload' in event ? event.payload : null))
        expect(answers).toEqual([1, 2, 3].map(n => Uint8Array.of(n)))
      })

      it('tells once of each answer that it has left, of a stream that was closed without one as well', async () => {
        node(1).answers = payload => (payload[0] === 2 ? null : payload)
        const ids = [1, 2, 3].map(n => ask(0, 1, Uint8Array.of(n)))
        for (const id of ids) await ended(0, id)
        await rig.until(() => node(1).of('responded').length >= 3)
        await ended(0, ask(0, 1, Uint8Array.of(4)))
        await rig.until(() => node(1).of('responded').length >= 4)
        expect(node(1).left).toEqual(node(1).asked)
        expect(node(1).left.every(({ peer: asker }) => asker === peer(0))).toBe(true)
        expect([node(0), node(2)].flatMap(other => other.of('responded'))).toEqual([])
      })

      it('tells that an answer has left which nobody waited for any more', async () => {
        node(1).answers = () => 'silent'
        const id = ask(0, 1, Uint8Array.of(1), 'shares', 300)
        await ended(0, id)
        const [late] = node(1).of('peerRequest')
        if (late !== undefined) node(1).answer(late, Uint8Array.of(8))
        await rig.until(() => node(1).of('responded').length > 0)
        expect(node(1).left).toEqual(node(1).asked)
      })

      it('tells of an answer on its way at most once when the peer goes, and of none behind the news that it is gone', async () => {
        node(1).answers = () => new Uint8Array(MAX_PAYLOAD_BYTES)
        for (let n = 0; n < 4; n++) ask(0, 1, Uint8Array.of(n))
        await rig.until(() => node(1).of('peerRequest').length > 0)
        rig.ends[0]?.stop()
        await rig.until(() => node(1).of('peerGone').length > 0)
        // Whoever is asked afterwards is told of after whatever was still to be told.
        await ended(2, ask(2, 1, Uint8Array.of(9)))
        await rig.until(() => node(1).left.some(({ peer: asker }) => asker === peer(2)))
        const of0 = node(1).told.filter(event => 'peer' in event && event.peer === peer(0))
        expect(of0.at(-1)).toEqual({ type: 'peerGone', peer: peer(0) })
        const left = node(1).left.filter(({ peer: asker }) => asker === peer(0))
        expect(node(1).asked).toEqual(expect.arrayContaining(left))
        expect(new Set(left.map(({ requestId }) => requestId)).size).toBe(left.length)
      })

      it('carries as many requests at a time as a peer may have waiting', async () => {
        const ids = Array.from({ length: 100 }, (_, n) => ask(0, 1, Uint8Array.of(n)))
        await rig.until(() => ids.every(id => ends(0, id).length > 0))
        expect(ids.map(id => ends(0, id))).toEqual(
          ids.map((id, n) => [{ type: 'peerResponse', requestId: id, payload: Uint8Array.of(n) }])
        )
      })

      it('ends a request without answer once, by its time-out, and drops an answer that comes after', async () => {
        node(1).answers = () => 'silent'
        const id = ask(0, 1, Uint8Array.of(1), 'shares', 300)
        await ended(0, id)
        const [late] = node(1).of('peerRequest')
        if (late !== undefined) node(1).answer(late, Uint8Array.of(8))
        node(1).answers = payload => payload
        await ended(0, ask(0, 1, Uint8Array.of(2)))
        expect(ends(0, id)).toEqual([{ type: 'requestFailed', requestId: id, reason: 'timeout' }])
      })

      it('takes a second answer to one request for none', async () => {
        const id = ask(0, 1, Uint8Array.of(1))
        await ended(0, id)
        const [request] = node(1).of('peerRequest')
        if (request !== undefined) node(1).answer(request, Uint8Array.of(8))
        await ended(0, ask(0, 1, Uint8Array.of(2)))
        expect(ends(0, id)).toHaveLength(1)
      })

      it('carries the largest payload, asked and answered', async () => {
        const largest = new Uint8Array(MAX_PAYLOAD_BYTES).fill(7)
        node(1).answers = () => largest
        const id = ask(0, 1, largest)
        await ended(0, id)
        expect(node(1).of('peerRequest')[0]?.payload.length).toBe(MAX_PAYLOAD_BYTES)
        const [answer] = node(0).of('peerResponse')
        expect(answer?.payload?.length).toBe(MAX_PAYLOAD_BYTES)
        expect(answer?.payload?.every(byte => byte === 7)).toBe(true)
      })

      it('holds a topic message back until its verdict, and others meanwhile pass it by', async () => {
        node(1).judges = data => (data[0] === 1 ? null : 'accept')
        node(0).publish('shares', 1)
        node(0).publish('shares', 2)
        await rig.until(() => node(2).heard.length > 0)
        expect(node(1).heard.sort()).toEqual([1, 2])
        expect(node(2).heard).toEqual([2])
        for (const event of node(1).of('gossip')) if (event.data[0] === 1) node(1).judge(event, 'accept')
        await rig.until(() => node(2).heard.length > 1)
        expect(node(2).heard).toEqual([2, 1])
        expect(node(2).of('gossip')[1]).toMatchObject({ peer: peer(1), topic: 'shares', data: Uint8Array.of(1) })
      })

      it('passes on what is accepted, not what is ignored or rejected', async () => {
        const verdicts: readonly TopicVerdict[] = ['ignore', 'reject', 'accept']
        node(1).judges = data => verdicts[data[0] ?? 2] ?? 'accept'
        for (const n of [0, 1, 2]) node(0).publish('shares', n)
        await rig.until(() => node(2).heard.length > 0)
        expect(node(2).heard).toEqual([2])
      })

      it('never gives a message back to its publisher', async () => {
        node(0).publish('shares', 1)
        await rig.until(() => node(2).heard.length === 1)
        node(2).publish('shares', 2)
        await rig.until(() => node(0).heard.length > 0)
        expect(node(0).heard).toEqual([2])
      })

      it('keeps the two topics apart', async () => {
        node(0).publish('shares', 1)
        node(0).publish('templates', 1)
        await rig.until(() => node(2).heard.length === 2)
        const [shares, templates] = node(2)
          .of('gossip')
          .sort((a, b) => (a.topic < b.topic ? -1 : 1))
        expect([shares?.topic, templates?.topic]).toEqual(['shares', 'templates'])
        expect(shares?.messageId).not.toBe(templates?.messageId)
      })

      it('carries the largest topic message', async () => {
        const data = new Uint8Array(MAX_TOPIC_BYTES.shares).fill(3)
        node(0).perform({ type: 'publish', topic: 'shares', data })
        await rig.until(() => node(2).heard.length > 0)
        expect(node(2).of('gossip')[0]?.data.length).toBe(data.length)
      })

      it('takes a verdict on a message it does not hold, and an answer nobody waits for, for nothing', async () => {
        node(0).perform({ type: 'verdict', peer: peer(1), messageId: 'none', verdict: 'accept' })
        node(0).perform({ type: 'respond', peer: peer(1), requestId: 999_999, payload: Uint8Array.of(1) })
        node(0).perform({ type: 'penalise', peer: peer(1), points: 20, code: 'malformed-message' })
        const id = ask(0, 1, Uint8Array.of(1))
        await ended(0, id)
        expect(ends(0, id)).toHaveLength(1)
      })

      it('tells that a peer is gone after all else of it, and ends what it was asked', async () => {
        node(1).answers = payload => (payload[0] === 1 ? 'silent' : payload)
        const open = ask(0, 1, Uint8Array.of(1))
        await ended(0, ask(0, 1, Uint8Array.of(2)))
        rig.ends[1]?.stop()
        await rig.until(() => node(0).of('peerGone').length > 0 && node(2).of('peerGone').length > 0)
        const of1 = node(0).told.filter(event => 'peer' in event && event.peer === peer(1))
        expect(of1[0]?.type).toBe('peerConnected')
        expect(of1.at(-1)).toEqual({ type: 'peerGone', peer: peer(1) })
        // Told or not, never twice, and never as an answer.
        expect(ends(0, open).filter(({ type }) => type === 'peerResponse')).toEqual([])
        expect(ends(0, open).length).toBeLessThanOrEqual(1)
      })

      it('closes the connections of a dropped peer and refuses it for as long as it is banned', async () => {
        node(0).perform({ type: 'dropPeer', peer: peer(1), reason: 'test', banMs: rig.banMs })
        await rig.until(() => node(1).of('peerGone').length > 0)
        expect(node(1).of('peerGone')).toEqual([{ type: 'peerGone', peer: peer(0) }])
        await rig.dial(1, 0)
        await rig.dial(0, 1)
        for (const index of [0, 1]) {
          const other = peer(1 - index)
          const [, again] = node(index)
            .of('peerConnected')
            .filter(event => event.peer === other)
          expect(again).toBeUndefined()
        }
        await ended(1, ask(1, 2, Uint8Array.of(1)))
      })
    })

    it('brings every message to every subscriber once, over whichever ways there are', async () => {
      await start(['ours', 'ours', 'ours', 'ours'], RING)
      for (let n = 0; n < 20; n++) node(n % 4).publish('shares', n)
      await rig.until(() => nodes.every(({ heard }) => heard.length >= 15))
      // What is said by another one as well is the same message.
      for (const said of nodes) said.publish('shares', 0)
      node(1).publish('shares', 100)
      await rig.until(() => [0, 2, 3].every(index => node(index).heard.includes(100)))
      for (const index of [0, 1, 2, 3]) {
        const own = Array.from({ length: 20 }, (_, n) => n).filter(n => n % 4 !== index)
        const all = index === 1 ? own : [...own, 100]
        expect(node(index).heard.sort((a, b) => a - b)).toEqual(all)
      }
    })

    it('speaks to a reference peer by requests alone', async () => {
      await start(['ours', 'ours', 'reference'], ROW)
      expect(
        node(1)
          .of('peerConnected')
          .find(event => event.peer === peer(2))?.dialect
      ).toBe('reference')
      expect(node(2).of('peerConnected')[0]?.dialect).toBe('reference')
      node(1).publish('shares', 1)
      await rig.until(() => node(0).heard.length > 0)
      const id = ask(1, 2, Uint8Array.of(1))
      await ended(1, id)
      expect(ends(1, id)).toEqual([{ type: 'peerResponse', requestId: id, payload: Uint8Array.of(1) }])
      expect(node(2).of('gossip')).toEqual([])
    })
  })
}
