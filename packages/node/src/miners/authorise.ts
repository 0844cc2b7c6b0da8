import type { BitcoinNetwork } from '@p2poolv2/bitcoin'
import { parseAddress } from '@p2poolv2/bitcoin'
import type { ChainParams, ConsensusAddress } from '@p2poolv2/consensus'
import { parseShareAddress } from '@p2poolv2/consensus'
import type { AuthoriseRequest, MinerIdentity } from '@p2poolv2/stratum'
import type { NodeMode } from '../contract.ts'

/** Reads addresses, asks nobody. `message` names the fix and goes to the miner. */
export type Authorise = (
  request: AuthoriseRequest
) =>
  | { readonly ok: true; readonly identity: MinerIdentity }
  | { readonly ok: false; readonly message: string; readonly blames?: 'share-address' }

export interface AuthoriseOptions {
  readonly params: ChainParams
  /** The operator's share-chain address: a 32-byte taproot output key, or null when none is configured. */
  readonly configuredShareProgram: Uint8Array | null
  /** The node's own wallet, same form. */
  readonly nodeShareProgram: Uint8Array
  /** Who is paid for miners whose user name is a bare name; null or absent: they are refused. */
  readonly bareNamePayout?: ConsensusAddress | null
  /** Without a share chain nobody needs an address there, and whatever the password says of one is ignored. */
  readonly mode?: NodeMode
}

const NETWORK_NAME: Readonly<Record<BitcoinNetwork, string>> = { main: 'mainnet', test: 'testnet', regtest: 'regtest' }
const EXAMPLE: Readonly<Record<BitcoinNetwork, string>> = { main: 'bc1...', test: 'tb1...', regtest: 'bcrt1...' }

/**
 * A name this short is no address with a letter missing: what else is typed there is taken for an address, and a mistake in one
 * must not pay somebody else.
 */
const MAX_BARE_NAME_CHARACTERS = 20
const ADDRESS_BEGINNINGS = /^(bc1|tb1|bcrt1)/i

/** How much of what the miner typed is given back to it, so that it recognises its own setting. */
const ECHO_CHARACTERS = 12

/**
 * Decides who a miner is. The only refusal is an address that cannot be paid; its message says what to put instead.
 *
 * The user name is the bitcoin address that block rewards go to. A share also pays its maker on the share chain, to an
 * address of another kind, which the protocol lets a miner give as `p2p=` in its password. Few miners have one, so the
 * order is: `p2p=`, else the operator's configured address, else the node's own wallet. The last is there because nobody
 * should lose bitcoin income for want of an address they have never heard of: the share is made and pays their bitcoin
 * address in full, and the share-chain coin goes to the person who runs the node, whose wallet always exists. A `p2p=`
 * that cannot be read is refused all the same: the miner meant an address, and guessing would pay somebody else.
 *
 * Many miners come with a bare worker name, `worker1`. Where the operator has set who is paid for those, the whole name is the
 * worker's.
 */
export function createAuthorise(options: AuthoriseOptions): Authorise {
  // Kept as long as the node: not the options, which whoever calls may have much else in.
  const { configuredShareProgram, nodeShareProgram, bareNamePayout: bare = null, mode = 'sharechain' } = options
  const { addressNetwork: network, shareAddressHrp: hrp } = options.params
  return request => {
    if (bare !== null && isBareName(request.user)) {
      const worker = [request.user, request.worker].filter(part => part !== '').join('.')
      return withShareAddress({ ...request, worker }, { text: bare.text, script: bare.script })
    }
    const parsed = parseAddress(request.user, network)
    if (!parsed.ok) {
      return {
        ok: false,
        message: payoutRefusal({ user: request.user, reason: parsed.reason, of: parsed.network, network })
      }
    }
    return withShareAddress(request, parsed)
  }

  function withShareAddress(
    request: AuthoriseRequest,
    payout: { readonly text: string; readonly script: Uint8Array }
  ): ReturnType<Authorise> {
    let shareProgram = configuredShareProgram ?? nodeShareProgram
    if (request.shareAddress !== null && mode === 'sharechain') {
      const share = parseShareAddress(request.shareAddress, hrp)
      if (!share.ok) {
        return {
          ok: false,
          blames: 'share-address',
          message: `p2p=${echo(request.shareAddress)} is refused (${share.reason}): give a ${hrp}1p... address or leave p2p= out`
        }
      }
      shareProgram = share.program.program
    }
    return {
      ok: true,
      identity: { payoutAddress: payout.text, payoutScript: payout.script, worker: request.worker, shareProgram }
    }
  }
}

function isBareName(user: string): boolean {
  return user.length <= MAX_BARE_NAME_CHARACTERS && !ADDRESS_BEGINNINGS.test(user)
}

interface PayoutRefusal {
  readonly user: string
  readonly reason: string
  /** The network the address does belong to, when that is known. */
  readonly of: BitcoinNetwork | undefined
  readonly network: BitcoinNetwork
}

function payoutRefusal(refusal: PayoutRefusal): string {
  const example = EXAMPLE[refusal.network]
  if (refusal.user === '') return `the user name is empty: put your ${example} bitcoin address there`
  if (refusal.of !== undefined && refusal.of !== refusal.network) {
    return `${echo(refusal.user)} is a ${NETWORK_NAME[refusal.of]} address, this node pays ${example} addresses`
  }
  return `${echo(refusal.user)} is not a bitcoin address this node can pay (${refusal.reason}): put your ${example} address as the user name`
}

/** The beginning of a miner's own text, printable characters only. */
function echo(text: string): string {
  const printable = text.replace(/[^\x21-\x7e]/g, '?')
  return printable.length <= ECHO_CHARACTERS ? printable : `${printable.slice(0, ECHO_CHARACTERS)}...`
}
