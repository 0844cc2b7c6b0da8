import { failure, warning } from './message.ts'

/** P2P-01…: bitcoin nodes, and blocks handed over to them. */
export const BITCOIN_MESSAGES = {
  bitcoinUnreachable: warning({
    id: 'P2P-0101',
    says: 'a bitcoin node cannot be reached',
    cause: 'It does not run, is still starting, or [[bitcoind]] url names another place.',
    cost: 'Without another bitcoin node miners get no new work, and a found block waits.',
    fix: 'See that bitcoind runs, and that url, port and login of [[bitcoind]] are its own: ./p2poolv2 doctor'
  }),
  bitcoinMisconfigured: warning({
    id: 'P2P-0102',
    says: 'a bitcoin node cannot be used as it is set up',
    cause: 'It is on another chain, refuses the login, or lacks something; message says what.',
    cost: 'Without another bitcoin node miners get no work.',
    fix: 'Do what the message of the line says.'
  }),
  bitcoinAmiss: warning({
    id: 'P2P-0103',
    says: 'a bitcoin node gives work, and something is amiss with it',
    cause: 'It works, and has a fault that message names, such as a ZMQ address that does not answer.',
    cost: 'New blocks are heard of a little later than they could be, so some work is stale.',
    fix: 'Do what the message of the line says.'
  }),
  noBitcoind: warning({
    id: 'P2P-0104',
    says: 'no bitcoind is configured: mining on the embedded development chain, whose coins are worth nothing',
    cause: 'The node was started without [[bitcoind]], as for a first look.',
    cost: 'Whatever is mined is worth nothing.',
    fix: 'For a real chain write a configuration: ./p2poolv2 init --chain main'
  }),
  noWork: warning({
    id: 'P2P-0105',
    says: 'there is no work: nobody can be paid yet',
    cause: 'The payout window cannot be read yet, since shares that it needs are still being fetched.',
    cost: 'Miners wait.',
    fix: 'Wait until the shares have been fetched: ./p2poolv2 status'
  }),
  coinbaseWeight: warning({
    id: 'P2P-0106',
    says: 'the payouts need more room: raise blockreservedweight in bitcoin.conf',
    cause: 'The coinbase pays more miners than bitcoind leaves room for in its blocks.',
    cost: 'The fees of the transactions that are left out; a found block stays valid as long as some could be.',
    fix: 'Raise blockreservedweight in bitcoin.conf and restart bitcoind.'
  }),
  coinbaseSigops: warning({
    id: 'P2P-0107',
    says: 'the payouts to old addresses (1…) take the signature checks of transactions: payouts to bc1… take none',
    cause: 'Outputs to addresses that begin with 1 count as signature checks, of which a block has a limited number.',
    cost: 'The fees of the transactions that are left out.',
    fix: 'Mine to an address that begins with bc1; bitcoind has no setting for it.'
  }),
  blockNotPersisted: failure({
    id: 'P2P-0108',
    says: 'a found block could not be written to disk',
    cause: 'The disk is full, read-only or broken.',
    cost: 'None while the node runs: the block is handed over all the same. A crash before the answer would lose it.',
    fix: 'Free some space or mend the disk at once.'
  }),
  blockNotHandedOver: warning({
    id: 'P2P-0109',
    says: 'a found block could not be handed over yet',
    cause:
      'A bitcoin node could not be asked; the node tries on, and other bitcoin nodes were given the block as well.',
    cost: 'The whole block if no bitcoin node takes it before another one is found.',
    fix: 'See that bitcoind runs. The block is kept in the folder "blocks" and handed over again at the next start.'
  }),
  blockSubmittedAgain: warning({
    id: 'P2P-0110',
    says: 'submitting a block again: not every bitcoin node has answered to it',
    cause: 'The node ended between finding a block and the last answer of a bitcoin node.',
    cost: 'None: bitcoin takes it once.',
    fix: 'Nothing; the next line of the block has the answer.'
  }),
  blockUnanswered: warning({
    id: 'P2P-0111',
    says: 'a block found before the last stop has no answer of a bitcoin node on record: see whether bitcoin has it',
    cause: 'The node ended between finding a block and the answer of bitcoind.',
    cost: 'The whole block, if bitcoin does not have it.',
    fix: 'Look it up: bitcoin-cli getblockheader with the hash in the line. It is handed over again if its file is there.'
  }),
  blockLostRace: warning({
    id: 'P2P-0112',
    says: 'a block found here lost the race: another one was there first; it may still win',
    cause: 'Somebody else found a block of the same height at about the same time, and it reached bitcoin first.',
    cost: 'The whole block, unless the next one is built on it.',
    fix: 'It happens to every pool now and then. If often: more peers for bitcoind, and [[bitcoind]] zmq_hashblock set.'
  }),
  blockNotTaken: warning({
    id: 'P2P-0113',
    says: 'a bitcoin node did not take a found block',
    cause: 'It refused the block, or could not be asked until it was too late; reason says why.',
    cost: 'The whole block, unless another bitcoin node took it.',
    fix: 'A block that is refused is a bug or a bitcoin node of other rules: report it with the output of: ./p2poolv2 support-bundle'
  }),
  blockOrphaned: warning({
    id: 'P2P-0114',
    says: "a block of the pool is not in bitcoin's chain any more: another one has its height, and nobody is paid by it",
    cause: 'Bitcoin went on with another block of the same height.',
    cost: 'What the block would have paid.',
    fix: 'Nothing can be done about this block.'
  }),
  blockRaceLost: warning({
    id: 'P2P-0115',
    says: 'a block of the pool lost the race: another one has its height, and nobody is paid by it',
    cause: 'Two blocks of one height were found at about the same time, and bitcoin went on with the other.',
    cost: 'What the block would have paid.',
    fix: 'Nothing can be done about this block. If often: more peers for bitcoind, and [[bitcoind]] zmq_hashblock set.'
  }),
  devChainFailed: failure({
    id: 'P2P-0116',
    says: 'the development chain failed to answer',
    cause: 'A bug of the embedded chain that stands in for bitcoind.',
    cost: 'None: its coins are worth nothing.',
    fix: 'Report it with the line.'
  }),
  devChainReplaced: warning({
    id: 'P2P-0117',
    says: 'the development chain was replaced by that of peers, which has more work',
    cause: 'This devnet joined others whose embedded bitcoin chain is heavier.',
    cost: 'None: its coins are worth nothing. Blocks of before no longer count.',
    fix: 'Nothing.'
  }),
  devChainBadBlock: warning({
    id: 'P2P-0118',
    says: 'a peer sent a bad block',
    cause: 'On a devnet, a peer sent a block of the embedded chain that breaks its rules.',
    cost: 'None: the peer is refused for a while.',
    fix: 'Nothing; if it is your own node, update it.'
  }),
  devChainNotKept: failure({
    id: 'P2P-0119',
    says: 'a block of the development chain is not on the disk',
    cause: 'The disk is full, read-only or broken.',
    cost: 'None: its coins are worth nothing. After a restart the chain ends below it.',
    fix: 'Free some space or mend the disk.'
  }),
  blockForgotten: warning({
    id: 'P2P-0120',
    says: 'no bitcoin node knows a block any more that one had taken: it is handed over again, if it is kept here',
    cause: 'The bitcoin node ended before it had written the block down, as with a full disk or in a power cut.',
    cost: 'None if the line says isKept true, or if others on the network have the block; else the whole block.',
    fix: "See that bitcoind's disk has room and is in order."
  })
}
