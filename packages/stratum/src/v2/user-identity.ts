import { hintsIn, type MinerHints } from '../mining/miner-hints.ts'
import { type UserName, userNameOf } from '../mining/user-name.ts'

/** Who opens a channel, and what it says beside its name. */
export interface UserIdentity extends UserName {
  readonly hints: MinerHints
}

/** Address or bare name; hints after commas or semicolons; whatever begins with the first dot after that. */
const PARTS = /^([^.,;]*)((?:[,;][^.,;]*)*)(.*)$/s

/**
 * Reads `<address>[,p2p=<share address>][,d=<difficulty>][.worker]`: there is no password, and proxies put a label of their own
 * in place of what follows the first dot. Never refuses. Source: sv2 §5.5.
 * @param text one character a byte, whatever the bytes are
 */
export function userIdentityOf(text: string): UserIdentity {
  const [, name = '', hints = '', label = ''] = PARTS.exec(text) ?? []
  return { ...userNameOf(name + label), hints: hintsIn(hints) }
}
