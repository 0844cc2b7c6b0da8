import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a service was asked: the action, and its values by name. */
export interface RouterAsked {
  readonly action: string
  readonly values: Readonly<Record<string, string>>
}

export const IP_CONNECTION = 'urn:schemas-upnp-org:service:WANIPConnection:1'

/** A device on loopback that answers a search and the questions after it as a test wants; by default it is a router that forwards. */
export class RouterDeviceServer {
  readonly asked: RouterAsked[] = []
  /** HTTP requests, whatever they were. */
  requests = 0
  /** What it answers to a search. */
  says: (location: string) => readonly (string | Buffer)[] = location => [
    `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: x\r\nUSN: uuid:1\r\nLOCATION: ${location}\r\n\r\n`
  ]
  describe: (response: ServerResponse) => void = response => response.end(description())
  /** Null: done. A number: its error. */
  answer: (asked: RouterAsked) => number | null = () => null
  readonly #socket = createSocket('udp4')
  readonly #http: Server

  private constructor() {
    this.#http = createServer((request, response) => void this.#serve(request, response))
    this.#socket.on('message', (message, from) => this.#searched(String(message), from))
  }

  static async start(): Promise<RouterDeviceServer> {
    const device = new RouterDeviceServer()
    device.#http.listen(0, '127.0.0.1')
    await once(device.#http, 'listening')
    device.#socket.bind(0, '127.0.0.1')
    await once(device.#socket, 'listening')
    return device
  }

  /** Where it hears searches. */
  get at(): { readonly address: string; readonly port: number } {
    return { address: '127.0.0.1', port: this.#socket.address().port }
  }

  get location(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/root.xml`
  }

  async stop(): Promise<void> {
    this.#socket.close()
    this.#http.closeAllConnections()
    this.#http.close()
    await once(this.#http, 'close')
  }

  #searched(text: string, from: RemoteInfo): void {
    if (!text.startsWith('M-SEARCH * HTTP/1.1\r\n')) return
    for (const message of this.says(this.location)) this.#socket.send(message, from.port, from.address)
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1
    if (request.method === 'GET') {
      this.describe(response)
      return
    }
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const action = /#(\w+)"$/.exec(String(request.headers['soapaction']))?.[1] ?? ''
    const values = Object.fromEntries([...body.matchAll(/<(New\w+)>([^<]*)</g)].map(([, name, value]) => [name, value]))
    const asked = { action, values }
    this.asked.push(asked)
    const error = this.answer(asked)
    if (error === null) response.end('<s:Envelope><s:Body/></s:Envelope>')
    else response.writeHead(500).end(`<s:Envelope><s:Fault><errorCode>${error}</errorCode></s:Fault></s:Envelope>`)
  }
}

/** As routers give it, of one service. */
export function description(controlUrl = '/control', type = IP_CONNECTION): string {
  const service = (kind: string, url: string): string =>
    `<service><serviceType>${kind}</serviceType><serviceId>x</serviceId><controlURL>${url}</controlURL><SCPDURL>/x.xml</SCPDURL></service>`
  const other = service('urn:schemas-upnp-org:service:Layer3Forwarding:1', '/other')
  return `<?xml version="1.0"?><root><device><serviceList>${other}</serviceList><deviceList><device><serviceList>${service(type, controlUrl)}</serviceList></device></deviceList></device></root>`
}
