import { describe, expect, it } from 'vitest'
import { humanLine } from './human-line.ts'
import { createLog, type LogOptions, withoutCredentials } from './log.ts'
import { MESSAGES } from './messages/table.ts'

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = []
  const sink = { write: (line: string) => void lines.push(line) }
  return { lines, log: createLog({ level: 'debug', format: 'json', sink, ...options }) }
}

describe('createLog', () => {
  it('writes one JSON object a line with time, level, fields and message', () => {
    const { lines, log } = capture()
    log.info({ bitcoinHeight: 7 }, 'a template was taken')
    expect(lines).toHaveLength(1)
    const record: unknown = JSON.parse(lines[0] ?? '')
    expect(record).toMatchObject({ level: 'info', bitcoinHeight: 7, msg: 'a template was taken' })
    expect(lines[0]?.endsWith('\n')).toBe(true)
  })

  it('keeps lines below its level to itself', () => {
    const { lines, log } = capture({ level: 'warn' })
    log.info('unheard')
    expect(lines).toEqual([])
  })

  it.each(['json', 'human'] as const)('shows no secret in the %s format', format => {
    const { lines, log } = capture({ format })
    log.warn(MESSAGES.bitcoinMisconfigured, {
      password: 'hunter2',
      node: { password: 'hunter2', cookie: 'hunter2' },
      url: 'http://alice:hunter2@10.0.0.1:8332'
    })
    log.error(MESSAGES.crash, { err: new Error('cannot reach http://alice:hunter2@10.0.0.1:8332/') })
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('')).toContain('10.0.0.1:8332')
  })

  it('a warning has the id by which its meaning is looked up, in both formats', () => {
    const asJson = capture()
    asJson.log.warn(MESSAGES.noBitcoind, { chain: 'devnet' })
    const { id, says } = MESSAGES.noBitcoind
    expect(JSON.parse(asJson.lines[0] ?? '')).toMatchObject({ level: 'warn', id, chain: 'devnet', msg: says })
    const forPeople = capture({ format: 'human' })
    forPeople.log.error(MESSAGES.bug)
    expect(forPeople.lines[0]).toMatch(/^\d\d:\d\d:\d\d ERROR P2P-0001 this is a bug/)
  })

  it('the human format is one short line', () => {
    const { lines, log } = capture({ format: 'human' })
    log.info({ worker: 'a b', bitcoinHeight: 7 }, 'a miner connected')
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d info {2}a miner connected worker="a b" bitcoinHeight=7\n$/)
  })
})

describe('humanLine', () => {
  it('a value cannot forge a line or move the cursor', () => {
    const line = humanLine(
      JSON.stringify({ level: 'info', msg: 'refused', agent: 'x\n12:00:00 info  \u001b[2Jfake\u202e' })
    )
    expect(line.split('\n')).toHaveLength(2)
    expect(line).not.toContain('\u001b')
    expect(line).not.toContain('\u202e')
  })

  it('passes on what is not JSON, escaped', () => {
    expect(humanLine('plain \u001b[31mwords\n')).toBe('plain \\u001b[31mwords\n')
  })
})

describe('withoutCredentials', () => {
  it.each([
    ['http://u:p@h:1', 'http://[hidden]@h:1'],
    ['a http://u:p@h and tcp://u:p@h', 'a http://[hidden]@h and tcp://[hidden]@h'],
    ['http://h:1/path', 'http://h:1/path'],
    ['mail me@home', 'mail me@home']
  ])('%s becomes %s', (text, expected) => {
    expect(withoutCredentials(text)).toBe(expected)
  })
})
