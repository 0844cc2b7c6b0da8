import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { MESSAGE_GROUPS, MESSAGE_LIST, MESSAGES } from '../packages/runtime/src/index.ts'
import { readTree, type Tree } from './layers/tree.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const TABLE = 'packages/runtime/src/messages/'

/** Programs for a terminal or a browser, which have no log. */
const WITHOUT_LOG = /^apps\/(dashboard|load|sim)\//

let sources: Tree
beforeAll(() => {
  const isSource = (path: string): boolean =>
    /^(packages|apps)\/.*\.ts$/.test(path) && !path.endsWith('.test.ts') && !/\/testing\//.test(path)
  sources = new Map([...readTree(root)].filter(([path]) => isSource(path)))
})

describe('the table of messages', () => {
  it('has ids of one form, each once, in a group that has a title', () => {
    for (const { id } of MESSAGE_LIST) {
      expect(id).toMatch(/^P2P-\d{4}$/)
      expect(MESSAGE_GROUPS).toHaveProperty(id.slice(4, 6))
    }
    expect(new Set(MESSAGE_LIST.map(({ id }) => id)).size).toBe(MESSAGE_LIST.length)
  })

  it.each(Object.entries(MESSAGES))('%s says cause, cost and fix in whole sentences', (_name, message) => {
    for (const words of [message.cause, message.cost, message.fix]) expect(words).toMatch(/^[[A-Z].{3,}/)
    expect(message.says).not.toMatch(/\.$/)
  })
})

// That a warning or an error cannot be logged without a row of the table is the type of `Log`: the check of types says so.
describe('what is logged', () => {
  it.each(Object.keys(MESSAGES))('%s is logged somewhere', name => {
    const users = [...sources].filter(
      ([path, text]) => !path.startsWith(TABLE) && new RegExp(`\\bMESSAGES\\.${name}\\b`).test(text)
    )
    expect(users.map(([path]) => path)).not.toEqual([])
  })

  it('goes through the log alone: nothing else imports its library or writes to the console', () => {
    const around = [...sources].filter(
      ([path, text]) =>
        !WITHOUT_LOG.test(path) &&
        (/\bconsole\.\w+\(/.test(text) || (/from 'pino'/.test(text) && path !== 'packages/runtime/src/log.ts'))
    )
    expect(around.map(([path]) => path)).toEqual([])
  })
})
