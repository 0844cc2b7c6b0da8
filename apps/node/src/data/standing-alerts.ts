import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { ALERT_RULES, MAX_STANDING, NOTHING_STANDS, type Standing } from '@p2poolv2/alerts'
import { z } from 'zod'

const standingSchema = z.object({
  rules: z.array(z.enum(ALERT_RULES)),
  silent: z.array(z.string()).max(MAX_STANDING),
  dropFromHps: z.number().positive().nullable(),
  growing: z.array(z.string()).max(MAX_STANDING)
})

/** What has been told and is not over, kept over restarts in a file. It may be removed: then what stands is told once more. */
export class StandingAlerts {
  readonly #file: string
  #kept = ''

  constructor(file: string) {
    this.#file = file
  }

  /** Nothing, for a file that is not there or is none of ours. */
  read(): Standing {
    try {
      return standingSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')))
    } catch {
      return NOTHING_STANDS
    }
  }

  /** Writes what has changed, whole or not at all. A disk that refuses costs an alert told twice, and is heard of elsewhere. */
  keep(standing: Standing): void {
    const text = JSON.stringify(standing)
    if (text === this.#kept) return
    const next = `${this.#file}.new`
    try {
      writeFileSync(next, text, { mode: 0o600 })
      renameSync(next, this.#file)
      this.#kept = text
    } catch {
      rmSync(next, { force: true })
    }
  }
}
