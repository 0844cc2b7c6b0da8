import '@p2poolv2/runtime/with-resolvers'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createLog } from '@p2poolv2/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RouterDeviceServer } from '../testing/router-device.ts'
import { defaultRoutes, firstOfNetwork } from './gateways.ts'
import { askGateway, type Gateway } from './nat-pmp.ts'
import { PortForwarding } from './port-forwarding.ts'

/** RFC 6886 §3.3, by hand: map TCP 6884 for an hour; granted as 6885 with the epoch 7. */
const QUESTION = '000200001ae41ae400000e10'
const GRANT = '0082000000000007' + '1ae41ae500000e10'
const ORDER = { internalPort: 6_884, externalPort: 6_884, leaseSec: 3_600 }

let socket: Socket
let gateway: Gateway
let asked: string[]
/** What the gateway answers to the nth question, in hex. */
let answers: (nth: number) => readonly string[]
/** Whoever else is on the network: sends from another port. */
let stranger: Socket

beforeEach(async () => {
  asked = []
  answers = () => [GRANT]
  socket = createSocket('udp4')
  stranger = createSocket('udp4')
  socket.on('message', (message, from) => {
    asked.push(message.toString('hex'))
    for (const answer of answers(asked.length)) send(socket, answer, from)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  gateway = { address: '127.0.0.1', port: socket.address().port }
})
afterEach(() => {
  socket.close()
  stranger.close()
})

function send(by: Socket, hex: string, to: RemoteInfo): void {
  by.send(Buffer.from(hex, 'hex'), to.port, to.address)
}

function ask(signal = new AbortController().signal): Promise<number | null> {
  return askGateway(gateway, ORDER, signal)
}

describe('a gateway', () => {
  it('is asked as the RFC has it, and says which port it is', async () => {
    expect(await ask()).toBe(6_885)
    expect(asked).toEqual([QUESTION])
  })

  it('that did not hear is asked once more', async () => {
    answers = nth => (nth === 1 ? [] : [GRANT])
    expect(await ask()).toBe(6_885)
    expect(asked).toEqual([QUESTION, QUESTION])
  })

  it.each([
    ['refuses', '0082000200000007' + '1ae4000000000000'],
    ['speaks PCP alone', '0282000100000000'],
    ['knows the operation not', '00820005'],
    ['grants no port', '0082000000000007' + '1ae4000000000000']
  ])('that %s is not asked again', async (_name, answer) => {
    answers = () => [answer]
    expect(await ask()).toBeNull()
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['nothing', ''],
    ['one byte', '00'],
    ['a question', QUESTION],
    ['half a grant', GRANT.slice(0, 24)],
    ['a grant of another port', '0082000000000007' + '1ae51ae500000e10']
  ])('that says %s is waited for', async (_name, answer) => {
    answers = () => [answer, GRANT]
    expect(await ask()).toBe(6_885)
  })

  it('is the only one that is heard', async () => {
    const forged = GRANT.replace('1ae5', '0001')
    socket.prependListener('message', (_message, from) => send(stranger, forged, from))
    expect(await ask()).toBe(6_885)
  })

  it('is asked no more when the node stops', async () => {
    answers = () => []
    const stop = new AbortController()
    socket.once('message', () => stop.abort())
    expect(await ask(stop.signal)).toBeNull()
    expect(await ask(AbortSignal.abort())).toBeNull()
  })
})

it('a house without UPnP has its port by NAT-PMP, and gives it back', async () => {
  const router = await RouterDeviceServer.start()
  router.answer = () => 606
  const done = Promise.withResolvers<void>()
  const write = (line: string): void => {
    if (/the router forwards/.test(line)) done.resolve()
  }
  const log = createLog({ level: 'debug', format: 'json', sink: { write } })
  const gateways = (): Promise<Gateway[]> => Promise.resolve([gateway])
  const options = { ownAddresses: ['127.0.0.1'], port: 6_884, at: router.at, waitMs: 150, gateways, log }
  const forwarding = new PortForwarding(options)
  forwarding.start()
  await done.promise
  expect(forwarding.port).toBe(6_885)
  await forwarding.stop()
  await router.stop()
  expect(router.asked).toHaveLength(1)
  // To take it back, both the port outside and the time are zero (RFC 6886 §3.4).
  expect(asked).toEqual([QUESTION, '000200001ae4000000000000'])
})

describe('the gateway of a house', () => {
  it('is read from the routes that Linux shows', () => {
    const table =
      'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n' +
      'eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\n' +
      'eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n' +
      'tun0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\n'
    expect(defaultRoutes(table, 'LE')).toEqual([[192, 168, 1, 1]])
    expect(defaultRoutes(table.replace('0101A8C0', 'C0A80101'), 'BE')).toEqual([[192, 168, 1, 1]])
    expect(defaultRoutes('no table\n\n')).toEqual([])
  })

  it('is elsewhere the first address of the network', () => {
    expect(firstOfNetwork('192.168.7.33', '255.255.255.0')).toEqual([192, 168, 7, 1])
    expect(firstOfNetwork('10.20.30.40', '255.255.0.0')).toEqual([10, 20, 0, 1])
  })
})
