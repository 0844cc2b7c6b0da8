import { expect, it } from 'vitest'
import { bitcoinConf, type ChainChoice, firstAnswers } from './first-config.ts'

const MAIN: ChainChoice = {
  chain: 'main',
  purpose: 'Real bitcoin.',
  rpcUrl: 'http://127.0.0.1:8332',
  cookieFile: '/home/anna/.bitcoin/.cookie',
  cookieFound: true,
  addressPrefixes: ['bc1', '1', '3']
}
const SIGNET: ChainChoice = {
  ...MAIN,
  chain: 'signet',
  rpcUrl: 'http://127.0.0.1:38332',
  cookieFile: '/home/anna/.bitcoin/signet/.cookie'
}

it('begins with where the bitcoin node of the chain usually is, and keeps what else was answered', () => {
  const first = { ...firstAnswers(MAIN, null), payoutAddress: 'bc1qanna', isPageOnLan: true }
  expect(firstAnswers(SIGNET, { answers: first, choice: MAIN })).toEqual({
    ...first,
    chain: 'signet',
    rpcUrl: SIGNET.rpcUrl,
    cookieFile: SIGNET.cookieFile
  })
})

it('leaves an RPC address and a cookie file as they were typed when another chain is chosen', () => {
  const first = firstAnswers(MAIN, null)
  const typed = { ...first, rpcUrl: 'http://192.0.2.7:8332' }
  expect(firstAnswers(SIGNET, { answers: typed, choice: MAIN })).toEqual({
    ...typed,
    chain: 'signet',
    cookieFile: SIGNET.cookieFile
  })
  const elsewhere = { ...first, cookieFile: '/mnt/bitcoin/.cookie' }
  const there = firstAnswers(SIGNET, { answers: elsewhere, choice: MAIN })
  expect([there.rpcUrl, there.cookieFile]).toEqual([SIGNET.rpcUrl, '/mnt/bitcoin/.cookie'])
})

it('says what bitcoin.conf needs: with a cookie no password stands in it', () => {
  const answers = firstAnswers(SIGNET, null)
  expect(bitcoinConf(answers)).toBe(
    'signet=1\nserver=1\nzmqpubhashblock=tcp://127.0.0.1:28332\n# Leaves room in each block for the payouts of hundreds of miners.\nblockreservedweight=100000\n'
  )
  const asked = { ...firstAnswers(MAIN, null), cookieFile: '', rpcUser: 'anna', rpcPassword: 'x', zmqHashblock: '' }
  expect(bitcoinConf(asked).split('\n').slice(0, 3)).toEqual(['server=1', 'rpcuser=anna', 'rpcpassword=x'])
})
