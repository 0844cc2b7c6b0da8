import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { bitcoinConf, configToml, defaultAnswers, problemsOf, REAL_CHAINS } from './first-config.ts'

const READY = { ...defaultAnswers('main'), cookieFile: '/home/anna/.bitcoin/.cookie' }

it('writes a configuration that joins the chain', () => {
  expect(
    configToml({ ...READY, isPageOnLan: true, bareNameAddress: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' })
  ).toBe(
    `chain = "main"

[stratum]
bare_name_address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"

[[bitcoind]]
url = "http://127.0.0.1:8332"
cookie_file = "/home/anna/.bitcoin/.cookie"
zmq_hashblock = "tcp://127.0.0.1:28332"

[api]
hostname = "0.0.0.0"
`
  )
})

it('names only keys that the configuration has', () => {
  const known = readFileSync(new URL('../../../../docs/config.md', import.meta.url), 'utf8')
  const login = { cookieFile: '', rpcUser: 'a', rpcPassword: 'b', bareNameAddress: 'x', isPageOnLan: true }
  for (const text of [configToml(READY), configToml({ ...READY, ...login })]) {
    for (const [, key] of text.matchAll(/^(\w+) = /gm)) expect(known).toContain(`| \`${key}\` |`)
  }
})

it('quotes what would end a string', () => {
  expect(configToml({ ...READY, cookieFile: '', rpcUser: 'a"b', rpcPassword: 'c\\d\n' })).toContain(
    'user = "a\\"b"\npassword = "c\\\\d\\n"'
  )
})

it('tells bitcoind the chain, and to tell of blocks', () => {
  const lines = bitcoinConf({ ...READY, chain: 'signet' }).split('\n')
  expect(lines).toContain('signet=1')
  expect(lines).toContain('zmqpubhashblock=tcp://127.0.0.1:28332')
  expect(bitcoinConf({ ...READY, hasZmq: false })).not.toContain('zmq')
})

it('says what is still missing', () => {
  expect(problemsOf(READY)).toEqual([])
  for (const chain of REAL_CHAINS) expect(problemsOf(defaultAnswers(chain))).toHaveLength(1)
  expect(problemsOf({ ...READY, cookieFile: '' })).toHaveLength(1)
  expect(problemsOf({ ...READY, rpcUrl: '127.0.0.1:8332' })).toHaveLength(1)
  expect(problemsOf({ ...READY, bareNameAddress: 'tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx' })[0]).toContain(
    'of this chain'
  )
})
