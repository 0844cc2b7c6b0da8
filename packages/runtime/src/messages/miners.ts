import { warning } from './message.ts'

/** P2P-02…: miners and their connections. */
export const MINER_MESSAGES = {
  minerRefused: warning({
    id: 'P2P-0201',
    says: 'a miner was refused: its settings need a change',
    cause:
      'Its user name is no bitcoin address of this chain, or something else of its settings cannot work; message says what.',
    cost: 'That miner earns nothing.',
    fix: 'Change the miner as the message says: user name YOUR_BITCOIN_ADDRESS.worker1, password x.'
  }),
  minerWarned: warning({
    id: 'P2P-0202',
    says: 'a miner works, but its settings need a change',
    cause: 'The miner or its firmware is set up in a way that costs something; message has the numbers.',
    cost: 'As the message says: a part of what that miner could earn.',
    fix: 'Change the miner as the message says.'
  }),
  connectionsFull: warning({
    id: 'P2P-0203',
    says: 'stratum connections are at their cap: raise the cap and the file descriptor limit',
    cause: 'As many miners are connected as [stratum] max_connections allows.',
    cost: 'Further miners are refused and earn nothing here.',
    fix: 'Raise [stratum] max_connections, and the limit of open files (ulimit -n).'
  }),
  acceptFailed: warning({
    id: 'P2P-0204',
    says: 'stratum listener failed to take a connection',
    cause: 'The system refused a new connection: usually too many files are open.',
    cost: 'Miners that connect now have to try again.',
    fix: 'Raise the limit of open files (ulimit -n).'
  }),
  minerFloods: warning({
    id: 'P2P-0205',
    says: 'a stratum connection sends more lines than miners have reason to, and is read slowly',
    cause: 'A miner with far too low a difficulty, many miners behind one connection, or somebody who means harm.',
    cost: 'None for others; answers to that connection come late.',
    fix: 'If it is yours, raise [stratum] minimum_difficulty, or use high_difficulty_port for it.'
  }),
  addressTooOften: warning({
    id: 'P2P-0206',
    says: 'stratum connections refused: too many from one address in a minute; if it is yours, add it to [stratum] trusted_ranges',
    cause: 'Many miners behind one address connect at once, or a machine that connects again and again.',
    cost: 'Those connections are refused for a while.',
    fix: 'If they are yours, add the address to [stratum] trusted_ranges.'
  }),
  addressTooMany: warning({
    id: 'P2P-0207',
    says: 'stratum connections refused: too many from one address at a time; if it is yours, add it to [stratum] trusted_ranges',
    cause: 'More miners are behind one address than [stratum] max_connections_per_address allows.',
    cost: 'Further miners of that address are refused.',
    fix: 'If they are yours, add the address to [stratum] trusted_ranges or raise max_connections_per_address.'
  }),
  proxyHeaderBad: warning({
    id: 'P2P-0208',
    says: 'a front of [stratum] proxy_ranges says something that is no PROXY header',
    cause: 'What stands in front of the node does not speak the PROXY protocol, or miners reach the port past it.',
    cost: 'Miners behind that front are not served.',
    fix: 'Switch the PROXY protocol on there, or take the address out of [stratum] proxy_ranges.'
  }),
  certificateUnusable: warning({
    id: 'P2P-0209',
    says: 'a renewed certificate cannot be used; miners get the old one',
    cause: 'The new certificate or key file is damaged, does not fit the other, or cannot be read.',
    cost: 'None until the old certificate ends; then miners by TLS are not served.',
    fix: 'See to the files of [stratum] tls_certificate and tls_key.'
  }),
  recordingsFull: warning({
    id: 'P2P-0210',
    says: 'a miner is not recorded: as many are as may be at a time',
    cause: '[stratum] record writes down a limited number of connections at a time.',
    cost: 'None.',
    fix: 'Nothing; leave [stratum] record out when you have what you need.'
  }),
  recordingSlow: warning({
    id: 'P2P-0211',
    says: 'recordings of miners end: the disk takes them too slowly',
    cause: 'The disk of [stratum] record is slower than miners talk.',
    cost: 'None: recordings end, mining goes on.',
    fix: 'Put [stratum] record on a faster disk, or leave it out.'
  }),
  recordingFailed: warning({
    id: 'P2P-0212',
    says: 'a recording of a miner ends: the disk does not take it',
    cause: 'The folder of [stratum] record cannot be written: no space, or not this user’s.',
    cost: 'None: the recording ends, mining goes on.',
    fix: 'Free some space, or leave [stratum] record out.'
  }),
  handshakeFailed: warning({
    id: 'P2P-0220',
    says: 'a Stratum V2 handshake could not be answered',
    cause:
      'The thread that answers handshakes has ended, for want of memory mostly; the next handshake starts another.',
    cost: 'That miner has to connect again.',
    fix: 'Free some memory. If it stays, leave Stratum V2 out with [stratum] v2_port = 0 and report it.'
  }),
  v2PortUnavailable: warning({
    id: 'P2P-0221',
    says: 'the usual port for Stratum V2 cannot be had; miners that speak it are not served',
    cause: 'Another program has the port, another node of yours perhaps, or the system does not give it.',
    cost: 'None for miners that speak Stratum V1; those of Stratum V2 find nobody.',
    fix: 'Choose another with [stratum] v2_port, or 0 if you have none of those miners.'
  })
}
