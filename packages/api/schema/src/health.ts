import { z } from 'zod'

/** The answer of `GET /livez`. */
export const livezSchema = z.object({ status: z.literal('alive').describe('The program runs and answers.') })

/** The answer of `GET /readyz`, with code 200 or 503. */
export const readyzSchema = z.object({
  ready: z.boolean().describe('Whether miners get work that can become shares.'),
  waiting: z.array(z.string()).describe('What is missing, one sentence each.')
})

/** The answer of `GET /widgets/pool`, as Umbrel's home screen takes it. */
export const widgetSchema = z.object({
  type: z.literal('four-stats').describe('How it is drawn.'),
  refresh: z.string().describe('How often to ask again.'),
  items: z
    .array(
      z.object({
        title: z.string().describe('What it is.'),
        text: z.string().describe('How much.'),
        subtext: z.string().describe('Of what.')
      })
    )
    .describe('Four of them.')
})

export type WidgetJson = z.input<typeof widgetSchema>
