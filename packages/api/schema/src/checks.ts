import { z } from 'zod'
import { unixSec } from './values.ts'

const check = z.object({
  id: z.string().describe('Short name, kebab-case; a name keeps its meaning.'),
  group: z.enum(['bitcoin', 'sharechain', 'peers', 'miners', 'computer']).describe('The traffic light it belongs to.'),
  title: z.string().describe('What was looked at.'),
  state: z.enum(['ok', 'info', 'warn', 'fail', 'unknown']).describe('info: nothing is wrong, but worth knowing.'),
  message: z.string().describe('What was found, one sentence.'),
  fix: z.string().nullable().describe('What to do; null if nothing.'),
  cost: z.string().nullable().describe('What it costs a miner as long as it is so; null if nothing.')
})

/** The answer of `GET /v1/doctor`. */
export const doctorSchema = z.object({
  time: unixSec.describe('When it was looked.'),
  state: z.enum(['ok', 'warn', 'fail']).describe('The worst of them.'),
  checks: z.array(check).describe('In the order in which one would look.')
})

export type DoctorJson = z.input<typeof doctorSchema>

/** The answer of `GET /v1/log`. */
export const logSchema = z.object({
  lines: z.array(z.string()).describe('JSON, the oldest first; the node keeps 500 of its level.')
})

const setting = z.object({
  key: z.string().describe('As in the file: section.key'),
  value: z.unknown().describe('What is in force; null if it is not set. Passwords are "***".'),
  default: z.unknown().describe('What it is where it is not set; null without a default.'),
  isSet: z.boolean().describe('Whether it differs from its default.'),
  meaning: z.string().describe('What it does.')
})

/** The answer of `GET /v1/config`. */
export const configAnswerSchema = z.object({
  file: z.string().nullable().describe('The file that was read; null if there was none.'),
  settings: z.array(setting).describe('Every key, in the order of the file.')
})

export type ConfigJson = z.input<typeof configAnswerSchema>

/** The answer of `GET /v1/connect`: what to write into a miner. */
export const connectSchema = z.object({
  stratum: z
    .array(
      z.object({
        url: z.string().describe('For the miner’s pool setting, for example stratum+tcp://192.168.1.5:3333'),
        host: z.string().describe('LAN address, or name that ends in .local'),
        port: z.int().describe('TCP port.'),
        protocol: z
          .enum(['v1', 'v2'])
          .describe(
            'What miners speak there. v2 is Stratum V2; its url ends in the key by which miners know this node.'
          ),
        tls: z.boolean().describe('Whether miners speak TLS there.'),
        startDifficulty: z.number().nullable().describe('First difficulty at that port; null: by firmware.')
      })
    )
    .describe('Where miners reach this node, the likeliest first.'),
  user: z.string().describe('What to write as user name.'),
  password: z.string().describe('What to write as password.'),
  addressPrefixes: z.array(z.string()).describe('How bitcoin addresses of this chain begin.'),
  page: z.array(z.string()).describe('Where this page is reached.')
})

export type ConnectJson = z.input<typeof connectSchema>
