import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'
import { piecesOf } from '../wire/list-pieces.ts'
import { MAX_TRANSACTION_ANSWER_BYTES, type TemplateMessage } from '../wire/template-messages.ts'
import type { TemplateBook } from './book.ts'

const NO_LIST = new Uint8Array(32)
const NO_BYTES = new Uint8Array(0)

/** The answer to a peer's question about templates from the book; null for what is no question. */
export function templateAnswer(message: TemplateMessage, book: TemplateBook): TemplateMessage | null {
  const { branchKey } = message
  switch (message.type) {
    case 'getTemplate': {
      const template = book.find(bytesToHex(branchKey))
      if (template === undefined) return { type: 'templateList', branchKey, baseId: NO_LIST, pieces: [] }
      const base = book.withId(message.baseId)
      const pieces = piecesOf(template.wtxids, base?.wtxids ?? NO_BYTES)
      return { type: 'templateList', branchKey, baseId: base?.id ?? NO_LIST, pieces }
    }
    case 'getTemplateTransactions': {
      const template = book.find(bytesToHex(branchKey))
      const transactions: Uint8Array[] = []
      let bytes = 0
      for (const index of message.indexes) {
        const dataHex = template?.transactions[index]?.dataHex
        if (dataHex === undefined) break
        // Nine bytes at most tell a transaction's length.
        bytes += dataHex.length / 2 + 9
        if (bytes > MAX_TRANSACTION_ANSWER_BYTES) break
        transactions.push(hexToBytes(dataHex))
      }
      return { type: 'templateTransactions', branchKey, transactions }
    }
    case 'templateList':
    case 'templateTransactions':
      return null
    default:
      return message satisfies never
  }
}
