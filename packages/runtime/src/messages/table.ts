import { BITCOIN_MESSAGES } from './bitcoin.ts'
import type { Message } from './message.ts'
import { MINER_MESSAGES } from './miners.ts'
import { PEER_MESSAGES } from './peers.ts'
import { PROGRAM_MESSAGES } from './program.ts'
import { SHARE_MESSAGES } from './shares.ts'

/**
 * Everything the node logs as a warning or an error, by name. An id is for ever: a message that is no longer used is removed
 * and its number stays unused.
 */
export const MESSAGES = {
  ...PROGRAM_MESSAGES,
  ...BITCOIN_MESSAGES,
  ...MINER_MESSAGES,
  ...SHARE_MESSAGES,
  ...PEER_MESSAGES
} as const

/** Groups of the table by the first two digits of an id. */
export const MESSAGE_GROUPS: Readonly<Record<string, string>> = {
  '00': 'The program and its computer',
  '01': 'Bitcoin nodes and blocks',
  '02': 'Miners',
  '03': 'The share chain',
  '04': 'Other nodes'
}

/** All of them by id. */
export const MESSAGE_LIST: readonly Message[] = Object.values<Message>(MESSAGES).sort((a, b) => (a.id < b.id ? -1 : 1))
