import { failure, warning } from './message.ts'

/** P2P-00…: the program and the computer it runs on. */
export const PROGRAM_MESSAGES = {
  bug: failure({
    id: 'P2P-0001',
    says: 'this is a bug of ours: please report it',
    cause: 'A state that the program rules out was met; code and detail say which.',
    cost: 'Usually nothing: mining goes on unless the node says that it stops.',
    fix: 'Report it with the output of: ./p2poolv2 support-bundle'
  }),
  crash: failure({
    id: 'P2P-0002',
    says: 'a bug: stopping, what was committed is safe',
    cause: 'An error that nothing was prepared for.',
    cost: 'Miners have no work until the node runs again.',
    fix: 'Start the node again, and report it with the output of: ./p2poolv2 support-bundle'
  }),
  nodeStops: failure({
    id: 'P2P-0003',
    says: 'the node stops',
    cause: 'The disk refused, or memory is not to be trusted after a bug; reason and detail say which.',
    cost: 'Miners have no work until the node runs again.',
    fix: 'See to the reason in the line, such as a full disk, and start the node again; what was committed is safe.'
  }),
  storeFailed: failure({
    id: 'P2P-0004',
    says: 'the disk refuses: the node stops',
    cause: 'The share chain could not be written: the disk is full, read-only or broken.',
    cost: 'Miners have no work until the node runs again. Found blocks were handed over before.',
    fix: 'Free some space or mend the disk (./p2poolv2 doctor says how much is left), then start the node again.'
  }),
  storeBehind: warning({
    id: 'P2P-0005',
    says: 'the disk is far behind: shares wait in memory, blocks go to bitcoin as ever',
    cause: 'The disk takes rows more slowly than they come: a worn memory card, or another program keeps it busy.',
    cost: 'Shares may come late and be paid less or not; blocks lose nothing.',
    fix: 'Put the data directory on a faster disk, best an SSD, or end what else writes there.'
  }),
  openFilesFew: warning({
    id: 'P2P-0006',
    says: 'fewer miners than configured can be served: raise the limit of open files (ulimit -n)',
    cause: 'The system lets this program open fewer files than [stratum] max_connections needs.',
    cost: 'Nothing for the first miners; those beyond the cap are refused.',
    fix: 'Raise the limit (ulimit -n, or LimitNOFILE in the systemd unit), or lower [stratum] max_connections.'
  }),
  partOverdue: warning({
    id: 'P2P-0007',
    says: 'a part did not stop in time',
    cause: 'At the end something did not come to rest within its time and was let go of.',
    cost: 'None: what was committed is safe.',
    fix: 'Nothing, unless it comes at every stop: then report it.'
  }),
  partFailedToStop: warning({
    id: 'P2P-0008',
    says: 'a part failed to stop cleanly',
    cause: 'At the end something failed while it closed; the line says what.',
    cost: 'None: what was committed is safe.',
    fix: 'Nothing, unless it comes at every stop: then report it.'
  }),
  clocksDiffer: warning({
    id: 'P2P-0009',
    says: "this computer's clock and bitcoind's are minutes apart: set them right, or shares are refused for their time",
    cause: 'One of the two clocks is wrong.',
    cost: 'Peers may refuse your shares, and bitcoin a block, for their time.',
    fix: 'Let both computers keep their clocks by NTP: timedatectl set-ntp true'
  }),
  doctorFound: warning({
    id: 'P2P-0010',
    says: 'a check of this computer or its settings found something to mend',
    cause: 'One of the checks of ./p2poolv2 doctor failed at the start; check and found say which.',
    cost: 'As the line says.',
    fix: 'Do what the line says; ./p2poolv2 doctor shows all checks.'
  }),
  figuresNotKept: warning({
    id: 'P2P-0011',
    says: 'the figures of workers cannot be kept: they end with this run',
    cause: 'The folder "figures" of the data directory cannot be read or written.',
    cost: 'None: counters and best shares begin anew at the next start, payouts do not depend on them.',
    fix: 'Give the folder back to the user of the node, or free some space; a damaged one may be moved away.'
  }),
  historyGap: warning({
    id: 'P2P-0012',
    says: 'the history cannot be kept: charts will have a gap',
    cause: 'The disk refused rows of the history.',
    cost: 'None: charts have a gap, payouts do not depend on them.',
    fix: 'Free some space or mend the disk; it goes on by itself.'
  }),
  historyUnavailable: warning({
    id: 'P2P-0013',
    says: 'the history cannot be opened: charts begin with this run and end with it',
    cause: 'The folder "history" of the data directory cannot be read or written; reason says why.',
    cost: 'None: charts begin anew, payouts do not depend on them.',
    fix: 'Give the folder back to the user of the node; a damaged one may be moved away.'
  }),
  logLost: warning({
    id: 'P2P-0015',
    says: 'lines of the log were lost: its reader took none for a while',
    cause: 'Whatever reads the log had stopped: a pager, Ctrl-S on the terminal, a full pipe or disk.',
    cost: 'None: mining does not wait for the log. linesLost says how many lines are missing before this one.',
    fix: 'Nothing once. Let a program read the log that does not stop, such as journald.'
  }),
  apiFailed: failure({
    id: 'P2P-0014',
    says: 'the API could not answer',
    cause: 'Something broke while a question of the page or another program was answered.',
    cost: 'None: mining does not depend on the page.',
    fix: 'Report it with the line; asking again may help.'
  }),
  alertLost: warning({
    id: 'P2P-0020',
    says: 'an alert could not be delivered',
    cause: 'The webhook or ntfy server of [alerts] refused it, or was not to be reached for hours; reason says which.',
    cost: 'None: you were not told of the event named in the line.',
    fix: 'Correct [alerts] in the configuration and press “Send a test” on the page, view Node.'
  })
}
