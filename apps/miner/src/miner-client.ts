import type { Target } from '@p2poolv2/primitives'
import type { MinerJob } from '@p2poolv2/stratum/client'

/** What the grinding threads count in: a server has to leave so much of the extranonce. */
export const EXTRANONCE2_BYTES = 8

/** What a connection tells its owner. */
export interface MinerClientHandlers {
  readonly onJob: (job: MinerJob, extranonce1: Uint8Array, target: Target) => void
  readonly onResult: (accepted: boolean, reason: string | null) => void
  readonly onState: (state: 'connected' | 'refused' | 'disconnected', message: string) => void
}

/** A header that is good enough for the target its job came with. */
export interface FoundShare {
  readonly jobId: string
  readonly extranonce2: Uint8Array
  readonly timeHex: string
  readonly nonce: number
}

/** A connection to a server, whatever protocol it speaks: takes jobs, submits, reconnects for ever. */
export interface MinerClient {
  start(): void
  stop(): void
  submit(share: FoundShare): void
}
