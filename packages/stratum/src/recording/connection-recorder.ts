import type { DifficultyLimits, SessionOutput } from '../contract.ts'
import { answerOf } from './answers.ts'
import { type RecordingEntry, recordingLine } from './recording.ts'
import { Redaction } from './redaction.ts'

/** Lines of a login that are said again at the head of a file that carries on; a longer login is not. */
const MAX_LOGIN_LINES = 64
/** And jobs that a submit may still name: at one every ten seconds a minute's, and all that firmware keeps. */
const CARRIED_JOBS = 8
const NOTIFY = '{"id":null,"method":"mining.notify"'
const SET_DIFFICULTY = '{"id":null,"method":"mining.set_difficulty"'

export interface ConnectionRecorderOptions {
  readonly miner: number
  /** Of the door it came in by. */
  readonly startDifficulty?: number | undefined
  readonly redact: 'redact' | 'as-it-is'
}

/** Writes down one connection: every call gives what is to be added to its file. `at` counts from the file's head. */
export class ConnectionRecorder {
  readonly #miner: number
  readonly #startDifficulty: number | undefined
  readonly #redaction: Redaction | null
  /** Until its first job. */
  readonly #loginIn: string[] = []
  readonly #loginOut: string[] = []
  /** The last difficulty it wished for after that. */
  #wish: string | null = null
  #jobs: string[] = []
  #difficulty: number | null = null
  #limits: DifficultyLimits | null = null

  constructor({ miner, startDifficulty, redact }: ConnectionRecorderOptions) {
    this.#miner = miner
    this.#startDifficulty = startDifficulty
    this.#redaction = redact === 'redact' ? new Redaction() : null
  }

  opened(at: number): string {
    return this.#entry({ at, miner: this.#miner, open: this.#door })
  }

  /** What one read brought. */
  received(at: number, messages: readonly Uint8Array[]): string {
    const lines = messages.map(message => {
      const text = Reflect.apply(String.fromCharCode, null, message)
      return this.#redaction?.ofMiner(text) ?? text
    })
    if (this.#jobs.length === 0 && this.#loginIn.length + lines.length <= MAX_LOGIN_LINES) this.#loginIn.push(...lines)
    else this.#wish = lines.filter(line => line.includes('"mining.suggest_')).at(-1) ?? this.#wish
    return this.#entry({ at, miner: this.#miner, in: lines })
  }

  /** @param limits those in force, said when they are new */
  sent(at: number, output: SessionOutput, limits: DifficultyLimits): string {
    if (typeof output !== 'string') return ''
    const lines = output
      .trimEnd()
      .split('\n')
      .map(line => this.#redaction?.ofNode(line) ?? line)
    let isWork = false
    for (const line of lines) {
      if (line.startsWith(NOTIFY)) {
        isWork = true
        this.#jobs = [...this.#jobs, line].slice(-CARRIED_JOBS)
      } else if (line.startsWith(SET_DIFFICULTY)) this.#difficulty = answerOf(line).difficulty
      else if (this.#jobs.length === 0 && this.#loginOut.length < MAX_LOGIN_LINES) this.#loginOut.push(line)
    }
    const news = isWork ? this.#newLimits(at, limits) : ''
    return news + this.#entry({ at, miner: this.#miner, out: lines })
  }

  closed(at: number, reason: string): string {
    return this.#entry({ at, miner: this.#miner, close: reason })
  }

  gone(at: number, why: string): string {
    return this.#entry({ at, miner: this.#miner, gone: why })
  }

  /** The beginning of a next file, which stands alone. */
  carriedOn(at: number): string {
    const miner = this.#miner
    const open = { ...this.#door, carried: { difficulty: this.#difficulty } }
    const out = [...this.#loginOut, ...this.#jobs]
    return (
      this.#entry({ at, miner, open }) +
      (this.#limits === null ? '' : this.#entry({ at, miner, limits: this.#limits })) +
      this.#entry({ at, miner, in: this.#wish === null ? this.#loginIn : [...this.#loginIn, this.#wish] }) +
      this.#entry({ at, miner, out }) +
      this.#entry({ at, miner, begins: true })
    )
  }

  get #door(): { readonly startDifficulty?: number } {
    return this.#startDifficulty === undefined ? {} : { startDifficulty: this.#startDifficulty }
  }

  #newLimits(at: number, limits: DifficultyLimits): string {
    const { shareDifficulty, bitcoinDifficulty } = limits
    const isKnown =
      this.#limits?.shareDifficulty === shareDifficulty && this.#limits.bitcoinDifficulty === bitcoinDifficulty
    if (isKnown || bitcoinDifficulty <= 0) return ''
    this.#limits = { shareDifficulty, bitcoinDifficulty }
    return this.#entry({ at, miner: this.#miner, limits: this.#limits })
  }

  #entry(entry: RecordingEntry): string {
    return recordingLine(entry)
  }
}
