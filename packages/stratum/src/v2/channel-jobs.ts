import type { Job } from '@p2poolv2/bitcoin'
import type { Sha256d } from '@p2poolv2/primitives'
import type { ExtranonceSpace } from '../contract.ts'
import { MAX_JOBS } from '../mining/job-registry.ts'
import {
  type ChannelJob,
  type ExtendedJobFrames,
  newPrevHashFrame,
  standardJobFrame,
  wholeExtranonce
} from './job-frames.ts'
import type { ChannelKind } from './opening.ts'

export interface ChannelJobsDeps {
  readonly jobFrames: ExtendedJobFrames
  readonly sha256d: Sha256d | undefined
}

/** The jobs of one channel as its client knows them: numbers of their own, and frames. */
export class ChannelJobs {
  readonly #channelId: number
  readonly #deps: ChannelJobsDeps
  /** Rises with every job, so that none is 0 and none comes twice. */
  #last = 0
  /** `Job.id` by number, of the newest jobs: as many as the registry knows. At the cap the oldest is forgotten. */
  readonly #ids = new Map<number, string>()

  constructor(channelId: number, deps: ChannelJobsDeps) {
    this.#channelId = channelId
    this.#deps = deps
  }

  get size(): number {
    return this.#ids.size
  }

  /** The `Job.id` that a client's number stands for; '' for none that is known. */
  idOf(jobNumber: number): string {
    return this.#ids.get(jobNumber) ?? ''
  }

  /** What tells the client of a job. Of a standard channel it is the root alone, of an extended one the coinbase. */
  framesFor(
    job: Job,
    when: ChannelJob['when'],
    { kind, extranonce }: { readonly kind: ChannelKind; readonly extranonce: ExtranonceSpace }
  ): readonly Uint8Array[] {
    const { jobFrames, sha256d } = this.#deps
    const channelJob = { channelId: this.#channelId, jobNumber: this.#numberFor(job.id), job, when }
    const frame =
      kind === 'standard'
        ? standardJobFrame(channelJob, wholeExtranonce(extranonce), sha256d)
        : jobFrames.frameFor(channelJob)
    return when === 'future' ? [frame, newPrevHashFrame(channelJob)] : [frame]
  }

  #numberFor(jobId: string): number {
    for (const oldest of this.#ids.keys()) {
      if (this.#ids.size < MAX_JOBS) break
      this.#ids.delete(oldest)
    }
    this.#last = (this.#last + 1) >>> 0 || 1
    this.#ids.set(this.#last, jobId)
    return this.#last
  }
}
