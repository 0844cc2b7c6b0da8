import { request } from 'node:http'
import type { RouterDevice } from './search.ts'

/** What a device on the local network sends is read this far, in this time, and its redirects are not followed. */
const MAX_BYTES = 65_536
const WITHIN_MS = 5_000
/** Services of one device that are tried. */
const MAX_SERVICES = 4
const SERVICE = /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12]$/

/** A service by which a router forwards ports. */
export interface ForwardingService {
  readonly device: RouterDevice
  readonly control: URL
  readonly type: string
}

/** What a router answered: null when it did as asked, else the number of its error, 0 if it gave none. */
export type RouterError = number | null

/** By which services a device forwards ports; none if it does not say it in time, or not as a router does. */
export async function forwardingServices(device: RouterDevice, signal: AbortSignal): Promise<ForwardingService[]> {
  const answer = await exchange(device.location, { method: 'GET', signal })
  if (answer?.status !== 200) return []
  const parts = answer.text.split('<service>').slice(1)
  const services = parts.flatMap(part => {
    const type = element(part, 'serviceType')
    const path = element(part, 'controlURL')
    if (type === null || path === null || !SERVICE.test(type) || !URL.canParse(path, device.location.href)) return []
    const control = new URL(path, device.location.href)
    // A device may not have us ask another one.
    return control.protocol === 'http:' && control.hostname === device.location.hostname
      ? [{ device, control, type }]
      : []
  })
  return services.slice(0, MAX_SERVICES)
}

/** Asks for something of a service (UPnP Device Architecture 1.1, control). Never rejects. @param values of no character that XML knows */
export async function askRouter(
  { control, type }: ForwardingService,
  { action, values }: { readonly action: string; readonly values: readonly (readonly [string, string | number])[] },
  signal: AbortSignal
): Promise<RouterError> {
  const inner = values.map(([name, value]) => `<${name}>${value}</${name}>`).join('')
  const body =
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${type}">${inner}</u:${action}></s:Body></s:Envelope>`
  const headers = { 'content-type': 'text/xml; charset="utf-8"', soapaction: `"${type}#${action}"` }
  const answer = await exchange(control, { method: 'POST', headers, body, signal })
  if (answer?.status === 200) return null
  return Number(/^\d{1,4}$/.exec(element(answer?.text ?? '', 'errorCode') ?? '')?.[0] ?? 0)
}

/** The text of the first element of a name, whatever stands before the name of its space. */
function element(xml: string, name: string): string | null {
  const end = xml.indexOf(`</${name}>`)
  const start = xml.lastIndexOf(`<${name}>`, end)
  return start < 0 || end < 0 ? null : xml.slice(start + name.length + 2, end).trim()
}

interface Exchange {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** @returns null for no answer, and for one that is too long or too slow */
function exchange(
  url: URL,
  { method, headers, body = '', signal }: Exchange
): Promise<{ status: number; text: string } | null> {
  return new Promise(resolve => {
    const all = { ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) }
    const asked = request(url, {
      method,
      headers: all,
      agent: false,
      signal: AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)])
    })
    asked.on('error', () => resolve(null))
    asked.on('close', () => resolve(null))
    asked.on('response', answer => {
      const chunks: Buffer[] = []
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MAX_BYTES) asked.destroy()
        else chunks.push(chunk)
      })
      answer.on('error', () => resolve(null))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('latin1') })
      )
    })
    asked.end(body)
  })
}
