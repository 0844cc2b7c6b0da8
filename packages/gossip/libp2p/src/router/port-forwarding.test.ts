import '@p2poolv2/runtime/with-resolvers'
import type { ServerResponse } from 'node:http'
import { createLog } from '@p2poolv2/runtime'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { description, RouterDeviceServer } from '../testing/router-device.ts'
import { forwardingServices } from './device.ts'
import { PortForwarding, portForwarding } from './port-forwarding.ts'
import { MAX_DEVICES, searchRouters } from './search.ts'

const WAIT_MS = 150
const SILENT = createLog({ level: 'silent', format: 'json' })
const OWN = ['127.0.0.1']

let router: RouterDeviceServer
const running: PortForwarding[] = []
beforeEach(async () => {
  router = await RouterDeviceServer.start()
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(forwarding => forwarding.stop()))
  await router.stop()
})

function search(): ReturnType<typeof searchRouters> {
  return searchRouters({ ownAddresses: OWN, at: router.at, waitMs: WAIT_MS, signal: new AbortController().signal })
}

/** Asks for a port until the router forwards one, or was asked for the last time. */
async function forwarded(port = 6_884): Promise<PortForwarding> {
  const done = Promise.withResolvers<void>()
  const write = (line: string): void => {
    if (/the router forwards|"error":606/.test(line)) done.resolve()
  }
  const log = createLog({ level: 'debug', format: 'json', sink: { write } })
  const gateways = () => Promise.resolve([])
  const forwarding = new PortForwarding({ ownAddresses: OWN, port, at: router.at, waitMs: WAIT_MS, gateways, log })
  running.push(forwarding)
  forwarding.start()
  await done.promise
  return forwarding
}

describe('a router', () => {
  it('is found, asked for our port, and asked to take it back at the end', async () => {
    const forwarding = await forwarded()
    expect(forwarding.port).toBe(6_884)
    expect(router.asked).toEqual([
      {
        action: 'AddPortMapping',
        values: {
          NewRemoteHost: '',
          NewExternalPort: '6884',
          NewProtocol: 'TCP',
          NewInternalPort: '6884',
          NewInternalClient: '127.0.0.1',
          NewEnabled: '1',
          NewPortMappingDescription: 'p2poolv2',
          NewLeaseDuration: '3600'
        }
      }
    ])
    await forwarding.stop()
    expect(router.asked.slice(1)).toEqual([
      { action: 'DeletePortMapping', values: { NewRemoteHost: '', NewExternalPort: '6884', NewProtocol: 'TCP' } }
    ])
    expect(forwarding.port).toBeNull()
  })

  it('that has our port for another computer is asked for the next ones, and one that forwards for good only for that', async () => {
    router.answer = ({ values }) =>
      values['NewExternalPort'] === '65534' ? 718 : values['NewLeaseDuration'] === '0' ? null : 725
    await forwarded(65_534)
    expect(router.asked.map(({ values }) => [values['NewExternalPort'], values['NewLeaseDuration']])).toEqual([
      ['65534', '3600'],
      ['65535', '3600'],
      ['65535', '0']
    ])
  })

  it('that refuses is let be', async () => {
    router.answer = () => 606
    const forwarding = await forwarded()
    await forwarding.stop()
    expect(router.asked).toHaveLength(1)
    expect(forwarding.port).toBeNull()
  })
})

describe('of what anybody on the network may send', () => {
  const answer = (location: string): string => `HTTP/1.1 200 OK\r\nLOCATION: ${location}\r\n\r\n`

  // The first two ended the process that listened with the library's code.
  it.each<[string, (location: string) => string | Buffer]>([
    ['a message that is none of ours', () => 'X * HTTP/1.1\r\n\r\n'],
    [
      'a notice',
      location => `NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nNT: x\r\nUSN: y\r\nLOCATION: ${location}\r\n\r\n`
    ],
    ['nothing', () => ''],
    ['bytes', () => Buffer.alloc(60_000, 0xff)],
    ['no place', () => 'HTTP/1.1 200 OK\r\n\r\n'],
    ['what is no URL', () => answer('//')],
    ['another host', () => answer('http://127.0.0.2:80/')],
    ['a name', () => answer('http://localhost:80/')],
    ['a name with a number before it', () => answer('http://127.0.0.1@localhost/')],
    ['a login', location => answer(location.replace('//', '//u:p@'))],
    ['another protocol', location => answer(location.replace('http:', 'https:'))],
    ['a file', () => answer('file:///etc/passwd')]
  ])('%s is no router', async (_name, message) => {
    router.says = location => [message(location)]
    expect(await search()).toEqual([])
  })

  it('a few devices are heard', async () => {
    router.says = location => Array.from({ length: 50 }, (_, n) => answer(`${location}?${n}`))
    expect(await search()).toHaveLength(MAX_DEVICES)
  })

  it('a message without the lines that the library took for granted is read like any other', async () => {
    router.says = location => [answer(location)]
    expect(await search()).toEqual([{ location: new URL(router.location), ownAddress: '127.0.0.1' }])
  })
})

describe('of what a device says of itself', () => {
  const services = (describe: (response: ServerResponse) => void) => {
    router.describe = describe
    const device = { location: new URL(router.location), ownAddress: '127.0.0.1' }
    return forwardingServices(device, new AbortController().signal)
  }

  it('a service that forwards is taken, at the same host', async () => {
    const [service, ...others] = await services(response => response.end(description('http://127.0.0.1:9/c')))
    expect([service?.control.href, others]).toEqual(['http://127.0.0.1:9/c', []])
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['a service at another host', response => response.end(description('http://127.0.0.2/c'))],
    ['a service by another protocol', response => response.end(description('file:///c'))],
    ['another service', response => response.end(description('/c', 'urn:x:service:WANIPConnection:1'))],
    ['a redirect', response => response.writeHead(302, { location: '/other' }).end()],
    ['no XML', response => response.end('</serviceType><service><controlURL>')],
    ['nothing', response => response.socket?.destroy()]
  ])('%s is not taken', async (_name, describe) => {
    expect(await services(describe)).toEqual([])
    expect(router.requests).toBe(1)
  })

  it('no more is read than a description has', async () => {
    let written = 0
    const found = await services(response => {
      const more = (): void => {
        for (let ok = true; ok && !response.destroyed; written += 65_536)
          ok = response.write(Buffer.alloc(65_536, 0x20))
        if (written > 1 << 28) response.end()
      }
      response.on('drain', more)
      more()
    })
    expect(found).toEqual([])
    // What the system holds of it on the way.
    expect(written).toBeLessThan(1 << 26)
  })

  it('a few services are taken', async () => {
    const many = await services(response => response.end(description().repeat(90)))
    expect(many).toHaveLength(4)
  })
})

it('a router is asked from the addresses of a house alone', () => {
  expect(portForwarding(['/ip4/127.0.0.1/tcp/1', '/ip4/9.9.9.9/tcp/1', '/ip6/fd00::1/tcp/1'], SILENT)).toBeNull()
  expect(portForwarding(['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.5/tcp/1'], SILENT)).not.toBeNull()
})

it('an address that is not this computer’s is passed over', async () => {
  const signal = new AbortController().signal
  const options = { ownAddresses: ['203.0.113.77', '127.0.0.1'], at: router.at, waitMs: WAIT_MS, signal }
  expect(await searchRouters(options)).toHaveLength(1)
})
