import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { bigIntFromTarget, targetFromDifficulty } from '@p2poolv2/primitives'
import { findShare } from '../../packages/stratum/src/testing/client-miner.ts'
import type { Firmware, Login, Request } from './firmware.ts'
import { PAYEE, type PoolSize } from './pool.ts'

/** A job as it came, with the difficulty that counts for it. */
export interface DeviceJob {
  readonly id: string
  readonly params: readonly unknown[]
  difficulty: number
  readonly extranonce1: string
  readonly isClean: boolean
}

/** What became of a submit. */
export interface Verdict {
  readonly jobId: string
  readonly isAccepted: boolean
  readonly code: number | null
}

interface Line {
  readonly id?: unknown
  readonly method?: unknown
  readonly params?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

/** Some ten thousand hashes: nobody here finds more. */
const MINEABLE = 2e-6
/** Firmware drops a repeated id among so many. */
const REMEMBERED_IDS = 16
/** What may come while cgminer and cpuminer wait for the answer to authorize. */
const KNOWN_WHILE_AUTHORISING = new Set([
  'mining.notify',
  'mining.set_difficulty',
  'client.reconnect',
  'client.get_version',
  'client.show_message'
])

/** One device that runs a make of firmware: says what it says, reads as it reads, and writes down what it would choke on. */
export class Device {
  readonly firmware: Firmware
  /** What this firmware would not have borne. */
  readonly complaints: string[] = []
  readonly verdicts: Verdict[] = []
  /** Newest last; a clean one drops those before. */
  jobs: DeviceJob[] = []
  /** Every difficulty that was set. */
  readonly difficulties: number[] = []
  connections = 0
  heard = 0
  said = 0
  extranonce1 = ''
  #socket: Socket | null = null
  #login: Login
  #rest = ''
  /** Questions without an answer, the oldest first. */
  #asked: { readonly request: Request; readonly wire: string }[] = []
  #submitted: { readonly wire: string; readonly jobId: string }[] = []
  #writes: (readonly Request[])[] = []
  #isIn = false
  #difficulty = 0
  #unpaired = 0
  readonly #ids: string[] = []
  #nextId = 100
  #nextExtranonce2 = 0
  #lastLineAtMs = 0
  #repeatAtMs = 0
  #retryAtMs: number | null = null
  #nowMs = 0
  #isFirstClean: boolean | null = null

  constructor(firmware: Firmware, size: PoolSize) {
    this.firmware = firmware
    const minimumDifficulty = size === 'real' ? 2048 : MINEABLE / 1e6
    this.#login = { user: `${PAYEE}.rig`, password: 'x', session: null, minimumDifficulty }
  }

  get isOpen(): boolean {
    return this.#socket !== null && !this.#socket.destroyed && this.#socket.readyState === 'open'
  }

  get localPort(): number {
    return this.#socket?.localPort ?? 0
  }

  get job(): DeviceJob {
    const job = this.jobs.at(-1)
    if (job === undefined) throw new Error(`${this.firmware.name} has no job`)
    return job
  }

  /** Whether its first job said so. */
  get isFirstClean(): boolean {
    return this.#isFirstClean === true
  }

  get accepted(): number {
    return this.verdicts.filter(({ isAccepted }) => isAccepted).length
  }

  async connect(port: number, nowMs: number): Promise<void> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket = socket
    this.connections += 1
    this.heard = 0
    this.said = 0
    this.#rest = ''
    this.#asked = []
    this.#submitted = []
    this.#isIn = false
    this.#unpaired = 0
    this.#nowMs = nowMs
    this.#lastLineAtMs = nowMs
    this.#retryAtMs = null
    this.#isFirstClean = null
    socket.setEncoding('latin1')
    socket.on('error', () => socket.destroy())
    socket.on('data', (text: string) => this.#hear(text))
    socket.on('end', () => socket.end())
    await once(socket, 'connect')
    this.#writes = [...this.firmware.login]
    this.#sayNext()
  }

  /** The cable is pulled. */
  async cut(): Promise<void> {
    const socket = this.#socket
    if (socket === null || socket.destroyed) return
    socket.destroy()
    await once(socket, 'close')
  }

  /** @returns whether it wants to connect again now */
  tick(nowMs: number): 'connect' | 'wait' {
    this.#nowMs = nowMs
    if (!this.isOpen) {
      this.#retryAtMs ??= nowMs + this.firmware.retryMs
      return nowMs >= this.#retryAtMs ? 'connect' : 'wait'
    }
    const { deadAfterMs, repeats } = this.firmware
    if (deadAfterMs !== null && nowMs - this.#lastLineAtMs > deadAfterMs)
      this.#complain(`no line for ${(nowMs - this.#lastLineAtMs) / 1000} s: the pool is dead`)
    if (repeats !== undefined && this.#isIn && nowMs >= this.#repeatAtMs) {
      this.#repeatAtMs = nowMs + repeats.everyMs
      this.#say([repeats.request])
    }
    return 'wait'
  }

  /** Hashes for the job and submits what meets its difficulty, or what is said instead. */
  mine(job: DeviceJob = this.job, search: { readonly above?: boolean; readonly again?: boolean } = {}): void {
    const { submit } = this.firmware
    if (job.difficulty > MINEABLE) throw new Error(`${this.firmware.name} cannot mine at ${job.difficulty}`)
    if (search.again !== true) this.#nextExtranonce2 += 1
    const extranonce2 =
      submit.extranonce2 === 'counts' ? this.#nextExtranonce2.toString(16).padStart(16, '0') : submit.extranonce2
    const target = bigIntFromTarget(targetFromDifficulty(job.difficulty))
    const found = findShare({
      notify: job.params,
      extranonce1: job.extranonce1,
      extranonce2,
      target: search.above === true ? (1n << 256n) - 1n : target,
      // With the same extranonce another nonce is another share.
      firstNonce: submit.extranonce2 === 'counts' ? 0 : this.#nextExtranonce2 * 100_000,
      ...(submit.versionBits === null ? {} : { versionBits: Number.parseInt(submit.versionBits, 16) })
    })
    const nonce = String(found[3])
    const params = [
      submit.name === 'as-authorised' ? this.#login.user : this.#login.user.split('.')[0],
      ...found.slice(0, 3),
      submit.padsNonce ? nonce : nonce.replace(/^0+(?=.)/, ''),
      ...found.slice(4)
    ]
    const id = submit.id === 'counts' ? this.#nextId++ : submit.id
    this.#submitted.push({ wire: JSON.stringify(id), jobId: job.id })
    const method = 'mining.submit'
    const line = {
      'id-first': { id, method, params },
      'params-first': { params, id, method },
      'id-last': { method, params, id }
    }
    this.#write([JSON.stringify(line[submit.keys])])
  }

  #sayNext(): void {
    const next = this.#writes.shift()
    if (next !== undefined) this.#say(next)
    else if (!this.#isIn) {
      this.#isIn = true
      this.#repeatAtMs = this.#nowMs + (this.firmware.repeats?.everyMs ?? 0)
      if (this.firmware.afterLogin !== undefined) this.#say(this.firmware.afterLogin)
    }
  }

  #say(requests: readonly Request[]): void {
    for (const request of requests)
      if (request.isAnswered !== false) this.#asked.push({ request, wire: JSON.stringify(request.id) })
    this.#write(requests.map(({ line }) => line(this.#login)))
  }

  #write(lines: readonly string[]): void {
    this.said += lines.length
    this.#socket?.write(lines.map(line => `${line}\n`).join(''))
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#read(line)
    // After what it brings about, so that whoever waits for silence finds the answers said.
    this.heard += text.length
  }

  #read(line: string): void {
    this.#lastLineAtMs = this.#nowMs
    const { maxLineBytes } = this.firmware
    if (!/^[\x20-\x7e]+$/.test(line)) this.#complain('a line that is not ASCII')
    if (maxLineBytes !== null && line.length + 1 > maxLineBytes) this.#complain(`a line of ${line.length + 1} bytes`)
    const message = JSON.parse(line) as Line
    const [waitsFor] = this.#asked
    if (waitsFor !== undefined && this.firmware.reads !== 'by-id' && !this.#isBorne(message, waitsFor.request)) {
      if (JSON.stringify(message.id) !== waitsFor.wire)
        this.#complain(`takes ${line.slice(0, 80)} for the answer to ${waitsFor.request.what}`)
    }
    if (typeof message.method === 'string') this.#notified(message.method, message, line)
    else this.#answered(message)
  }

  /** Whether it waits on although this came. */
  #isBorne({ method }: Line, { what }: Request): boolean {
    const loops = what === 'authorize' || what === 'extranonce'
    return this.firmware.reads === 'loop' && loops && KNOWN_WHILE_AUTHORISING.has(String(method))
  }

  #answered(message: Line): void {
    const { error } = message
    const wire = JSON.stringify(message.id)
    if (error !== null && !(Array.isArray(error) && error.length === 3 && Number.isInteger(error[0])))
      this.#complain(`an error that is no triple: ${JSON.stringify(error)}`)
    const place = this.#asked.findIndex(asked => asked.wire === wire)
    const asked = place < 0 ? undefined : this.#asked.splice(place, 1)[0]
    if (asked !== undefined) {
      if (place > 0) this.#complain(`answers out of order: ${asked.request.what}`)
      this.#settled(asked.request, message)
      return
    }
    const submitted = this.#submitted.findIndex(submit => submit.wire === wire)
    if (submitted < 0) {
      if (this.firmware.countsStrayAnswers) this.#complain(`counts an answer to nothing as a share: ${wire}`)
      return
    }
    const [submit] = this.#submitted.splice(submitted, 1)
    const isAccepted = message.result === true && error === null
    if (!isAccepted && error === null) this.#complain('a refusal without an error counts as a share')
    const code = Array.isArray(error) ? Number(error[0]) : null
    this.verdicts.push({ jobId: submit?.jobId ?? '', isAccepted, code })
  }

  #settled({ what }: Request, { result, error }: Line): void {
    if (error !== null) this.#complain(`${what} was refused: ${JSON.stringify(error)}`)
    if (what === 'configure') this.#configured(result)
    if (what === 'subscribe') this.#subscribed(result)
    if (what !== 'configure' && what !== 'subscribe' && result !== true) this.#complain(`${what} was not granted`)
    if (!this.#asked.some(({ request }) => request.isAnswered !== false)) this.#sayNext()
  }

  #configured(result: unknown): void {
    const granted = result as { readonly 'version-rolling'?: unknown; readonly 'version-rolling.mask'?: unknown }
    if (granted['version-rolling'] !== true) this.#complain('version rolling was not granted')
    if (!/^[0-9a-f]{8}$/.test(String(granted['version-rolling.mask']))) this.#complain('a mask that is no eight digits')
  }

  #subscribed(result: unknown): void {
    const [subscriptions, extranonce1, size] = result as [[string, string][], string, unknown]
    if (!JSON.stringify(result).includes('mining.notify')) this.#complain('a probe would not find mining.notify')
    if (!/^[0-9a-f]{8}$/.test(extranonce1)) this.#complain(`extranonce ${extranonce1}`)
    if (size !== 8) this.#complain(`extranonce2 of ${String(size)} bytes`)
    this.extranonce1 = extranonce1
    this.#login = { ...this.#login, session: subscriptions[0]?.[1] ?? null }
  }

  #notified(method: string, { params }: Line, line: string): void {
    if (method === 'mining.set_difficulty') this.#setDifficulty(params, line)
    else if (method === 'mining.notify') this.#notify(params)
    else if (method === 'client.reconnect') {
      if (this.firmware.reconnect === 'obeys') this.#socket?.end()
    } else this.#complain(`knows no ${method}`)
  }

  #setDifficulty(params: unknown, line: string): void {
    const [difficulty] = params as [number]
    if (!(typeof difficulty === 'number' && difficulty > 0)) this.#complain(`difficulty ${String(difficulty)}`)
    if (/\[[^\]]*e/i.test(line.slice(line.indexOf('"params"')))) this.#complain('a difficulty with an exponent')
    if (this.firmware.difficulties === 'whole' && difficulty >= 1 && !Number.isInteger(difficulty))
      this.#complain(`reads ${difficulty} as a whole number`)
    if (++this.#unpaired > 1) this.#complain('two difficulties without a job between them')
    this.#difficulty = difficulty
    this.difficulties.push(difficulty)
    if (this.firmware.counts === 'at-once') for (const job of this.jobs) job.difficulty = difficulty
  }

  #notify(params: unknown): void {
    const values = params as readonly unknown[]
    const [id, prevHash, first, second, branch, version, bits, time, isClean] = values
    const isWellFormed =
      values.length === 9 &&
      [prevHash, first, second].every(value => /^([0-9a-f]{2})+$/.test(String(value))) &&
      String(prevHash).length === 64 &&
      [version, bits, time].every(value => /^[0-9a-f]{8}$/.test(String(value))) &&
      Array.isArray(branch) &&
      typeof isClean === 'boolean'
    if (!isWellFormed) this.#complain('a job that is not of nine well-formed fields')
    if (this.#ids.includes(String(id))) this.#complain(`drops a job whose id it had: ${String(id)}`)
    this.#ids.push(String(id))
    if (this.#ids.length > REMEMBERED_IDS) this.#ids.shift()
    const coinbaseBytes = (String(first).length + String(second).length) / 2 + 12
    const { maxCoinbaseBytes } = this.firmware
    if (maxCoinbaseBytes !== null && coinbaseBytes > maxCoinbaseBytes)
      this.#complain(`a coinbase of ${coinbaseBytes} bytes`)
    if (this.#difficulty === 0) this.#complain('a job before any difficulty')
    this.#unpaired = 0
    const job = {
      id: String(id),
      params: values,
      difficulty: this.#difficulty,
      extranonce1: this.extranonce1,
      isClean: isClean === true
    }
    this.#isFirstClean ??= job.isClean
    this.jobs = job.isClean ? [job] : [...this.jobs, job].slice(-REMEMBERED_IDS)
  }

  #complain(what: string): void {
    this.complaints.push(what)
  }
}
