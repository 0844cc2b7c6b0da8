import { z } from 'zod'
import { count, unixSec } from './values.ts'

const destination = z.object({
  type: z.enum(['webhook', 'ntfy']).describe('How it is told.'),
  host: z.string().describe('Host of its address; the rest is a secret.'),
  waiting: count.describe('Alerts that wait for it.'),
  sent: count.describe('Delivered since the start.'),
  lost: count.describe('Given up since the start.'),
  lastSent: unixSec.nullable().describe('When one was delivered last; null: none yet.'),
  trouble: z.string().nullable().describe('What went wrong at the last attempt; null if nothing did.')
})

/** The answer of `GET /v1/alerts`. */
export const alertsSchema = z.object({
  destinations: z.array(destination).describe('Where alerts go; none until [alerts] names one.'),
  rules: z
    .array(
      z.object({
        rule: z.string().describe('Its name in `alerts.rules`.'),
        meaning: z.string().describe('What it tells of.'),
        isOn: z.boolean().describe('Whether it is told of.'),
        isOpen: z.boolean().describe('Whether it is so now and that has lasted.')
      })
    )
    .describe('What can be told of.'),
  quietHours: z.string().nullable().describe('As configured; null: never quiet.'),
  isQuiet: z.boolean().describe('Whether it is quiet now.')
})

export type AlertsJson = z.input<typeof alertsSchema>

/** The answer of `POST /v1/alerts/test`. */
export const alertTestSchema = z.object({
  results: z
    .array(
      z.object({
        type: destination.shape.type,
        host: destination.shape.host,
        ok: z.boolean().describe('Whether it took the message.'),
        message: z.string().nullable().describe('What is wrong; null if nothing.')
      })
    )
    .describe('One for each destination.')
})

export type AlertTestJson = z.input<typeof alertTestSchema>
