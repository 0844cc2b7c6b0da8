import { warning } from './message.ts'

/** P2P-04…: other nodes. */
export const PEER_MESSAGES = {
  rulesDiffer: warning({
    id: 'P2P-0401',
    says: 'a peer has other rules: one of you has to update, or is on a chain of its own',
    cause: 'The peer runs a version with other consensus rules, or a changed one.',
    cost: 'None as long as most peers have your rules; else your shares count for nobody.',
    fix: 'Update this program if most peers differ: ./p2poolv2 peers says in which rules.'
  }),
  headersAhead: warning({
    id: 'P2P-0402',
    says: "a peer's shares are from the future: is this computer's clock right?",
    cause: 'One of the two clocks is wrong; if several peers say so, it is this one.',
    cost: 'Shares of others are taken late, so yours may build on a stale base.',
    fix: 'Let this computer keep its clock by NTP: timedatectl set-ntp true'
  }),
  peerStoreDamaged: warning({
    id: 'P2P-0403',
    says: 'the peer store is damaged and begins anew: add or join again whom you want to stay connected to',
    cause: 'A power cut or a failing disk; what was there stands beside it under the name in the line.',
    cost: 'None once a peer is found.',
    fix: 'Add whom you want to stay connected to: ./p2poolv2 peers add INVITE'
  }),
  peerStoreUnread: warning({
    id: 'P2P-0404',
    says: 'a part of the peer store cannot be read',
    cause: 'The disk lost or damaged a part of it.',
    cost: 'None: some addresses of other nodes are forgotten.',
    fix: 'Nothing; if often, the disk is failing.'
  }),
  peerRecordsUseless: warning({
    id: 'P2P-0405',
    says: 'useless records of peers could not be deleted',
    cause: 'The disk refused.',
    cost: 'None: they take a little space.',
    fix: 'Free some space or mend the disk.'
  }),
  peerStoreUnwritten: warning({
    id: 'P2P-0406',
    says: 'changes of the peer store could not be written',
    cause: 'The disk is full, read-only or broken.',
    cost: 'None now: after a restart this node may know fewer others.',
    fix: 'Free some space or mend the disk.'
  }),
  peerRecordsSkipped: warning({
    id: 'P2P-0407',
    says: 'some records of peers could not be read and are left out',
    cause: 'They are damaged, or from another version.',
    cost: 'None: some addresses of other nodes are forgotten.',
    fix: 'Nothing.'
  }),
  peerRequestFailed: warning({
    id: 'P2P-0408',
    says: 'a request of a peer could not be answered',
    cause: 'Something broke while a peer was answered; the line says what.',
    cost: 'None for this node; the peer asks another.',
    fix: 'Report it with the line if it comes again.'
  }),
  publishFailed: warning({
    id: 'P2P-0409',
    says: 'a message could not be published',
    cause: 'The network library refused to send something new to all peers; each is told by itself all the same.',
    cost: 'Shares may reach others a little later.',
    fix: 'Report it with the line if it comes again.'
  }),
  listensInTheClear: warning({
    id: 'P2P-0410',
    says: 'others can dial this node in the clear: p2p.hostname says so',
    cause: '[p2p] only_proxy is set, and hostname names an address that others reach.',
    cost: 'Your IP address may be seen by who dials it.',
    fix: 'Leave [p2p] hostname out, or set it to 127.0.0.1.'
  })
}
