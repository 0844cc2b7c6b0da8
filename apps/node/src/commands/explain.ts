import { MESSAGE_LIST, type Message } from '@p2poolv2/runtime'
import { WrongUsage } from '../cli/outcome.ts'
import { closestKey } from '../config-mistakes.ts'

/**
 * A message of the log by its id, as P2P-0101; p2p-101 and 101 do as well.
 * @throws WrongUsage for one that there is not
 */
export function explained(id: string): Message {
  const [, digits] = /^(?:p2p-?)?(\d{1,4})$/i.exec(id.trim()) ?? []
  const wanted = digits === undefined ? id.trim().toUpperCase() : `P2P-${digits.padStart(4, '0')}`
  const found = MESSAGE_LIST.find(message => message.id === wanted)
  if (found !== undefined) return found
  const near = closestKey(
    wanted,
    MESSAGE_LIST.map(message => message.id)
  )
  throw new WrongUsage(
    `there is no message "${id}"${near === null ? '' : `; did you mean ${near}?`}. All of them: ./p2poolv2 explain`
  )
}
