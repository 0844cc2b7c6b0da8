import { failure, warning } from './message.ts'

/** P2P-03…: the share chain. */
export const SHARE_MESSAGES = {
  blocksOnly: warning({
    id: 'P2P-0301',
    says: 'jobs can become bitcoin blocks but not shares',
    cause:
      'Shares made now would not count; ineligible says why, such as a clock behind the chain or rules that no peer shares.',
    cost: 'You earn nothing from blocks that others of the pool find, as long as it lasts.',
    fix: 'See to the reason: ./p2poolv2 doctor'
  }),
  shareHeld: warning({
    id: 'P2P-0302',
    says: "one of our miners made a share that has to wait: is this computer's clock right?",
    cause: 'The share does not count yet, mostly because it is from the future by the clocks of others.',
    cost: 'It may come late, and be paid as an uncle or not at all.',
    fix: 'Let this computer keep its clock by NTP: timedatectl set-ntp true'
  }),
  bodyLost: warning({
    id: 'P2P-0303',
    says: 'a stored share cannot be read: it is fetched from peers again',
    cause: 'The disk lost or damaged it, as after a power cut.',
    cost: 'None, as long as a peer has it.',
    fix: 'Nothing once; if often, the disk is failing: move the data directory to another.'
  }),
  storeRepairing: warning({
    id: 'P2P-0304',
    says: 'the share store is damaged: it is being repaired, which takes minutes for a large one',
    cause: 'The disk lost or changed part of it, as in a power cut or when it is failing.',
    cost: 'Miners have no work until it is done.',
    fix: 'Wait for it. If it comes again without a power cut, the disk is failing: move the data directory to another.'
  }),
  storeRepaired: warning({
    id: 'P2P-0305',
    says: 'the share store is repaired: what it lost is fetched from peers',
    cause: 'It was damaged; the line counts what was kept, rebuilt and lost.',
    cost: 'None, as long as a peer has what was lost. As it was found the store is kept in keptIn.',
    fix: 'Delete the folder keptIn when the node has run well for a day.'
  }),
  newestLost: warning({
    id: 'P2P-0306',
    says: 'the newest changes of the share chain are not on disk, as after a power cut: they come from peers again',
    cause: 'They were written and not yet on the platter when the computer went off.',
    cost: 'None, as long as a peer has them; without peers the shares of the last seconds.',
    fix: 'Nothing.'
  }),
  promisedLost: warning({
    id: 'P2P-0307',
    says: 'the newest changes of the share chain are not on disk although the disk said so: check it',
    cause: 'The disk confirmed what it had not kept: it is failing, or its cache ignores flushes.',
    cost: 'The shares come from peers again; a found block is in its own folder and with bitcoind.',
    fix: 'Move the data directory to another disk, best an SSD with power-loss protection.'
  }),
  storeLost: failure({
    id: 'P2P-0308',
    says: 'of the share store nothing could be saved: the share chain is fetched from peers',
    cause: 'What is on disk is no store any more; the line says where it is kept.',
    cost: 'None, as long as a peer has the chain; found blocks have a folder of their own.',
    fix: 'Have at least one peer. Check the disk; keep the folder keptIn if you want the damage looked at.'
  }),
  recordsUnreadable: warning({
    id: 'P2P-0309',
    says: 'some records of found blocks are damaged and were left behind on the way to a new layout of the store',
    cause: 'The disk changed them at some time before.',
    cost: 'The list of found blocks misses them. The blocks are in bitcoin, and their payouts are not touched.',
    fix: 'Check the disk.'
  }),
  madeSharesSetAside: warning({
    id: 'P2P-0310',
    says: 'the file of shares that wait for the store is not one this program wrote: it is moved away, and begun anew',
    cause: 'It is a folder, or far too long: the disk damaged it, or somebody wrote to it.',
    cost: 'Shares made just before the last end may be missing.',
    fix: 'Check the disk; delete what the line names in setAside.'
  }),
  sharesAhead: warning({
    id: 'P2P-0311',
    says: "this computer's clock was ahead: the share chain goes on without what was made meanwhile",
    cause:
      'Shares were dated later than it is, by the clock as it stands now and by that of bitcoind; they wait until their time has come.',
    cost: 'Shares made while the clock was wrong count for nobody, unless all that is mined until then is less.',
    fix: 'Let this computer keep its clock by NTP: timedatectl set-ntp true'
  })
}
