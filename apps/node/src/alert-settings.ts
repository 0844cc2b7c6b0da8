import { ALERT_RULES, parseQuietRange } from '@p2poolv2/alerts'
import { z } from 'zod'

/** The section `[alerts]`: what the owner is told, where, and when not. */
export const alertSettings = z
  .strictObject({
    webhook: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address that gets each alert as JSON by POST: your own program, or a chat’s incoming webhook.'),
    ntfy: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address of an ntfy topic, on a server of your own or any other, for alerts on a phone.'),
    ntfy_token: z.string().min(1).max(256).optional().describe('Access token of that ntfy server, if it wants one.'),
    rules: z
      .array(z.enum(ALERT_RULES))
      .default([...ALERT_RULES])
      .describe(`What is told: ${ALERT_RULES.join(', ')}.`),
    silent_minutes: z
      .number()
      .int()
      .min(2)
      .max(1_440)
      .default(10)
      .describe('A miner that was at work is silent after so long without an accepted submit.'),
    drop_percent: z
      .number()
      .int()
      .min(5)
      .max(95)
      .default(30)
      .describe('So much of the usual hash rate has to be missing, a quarter of an hour compared with a day.'),
    quiet_hours: z
      .string()
      .refine(text => parseQuietRange(text) !== null, 'must be like 22:00-07:00')
      .optional()
      .describe(
        'By this computer’s clock, for example "22:00-07:00": what comes then is told behind them, in one message.'
      )
  })
  .prefault({})
