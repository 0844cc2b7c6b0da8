import { warning } from './message.ts'

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
  })
}
