import type { SessionDeps, SessionOptions, SessionProtocol } from '../contract.ts'
import { ExtendedJobFrames } from './job-frames.ts'
import { V2Session } from './session.ts'

/** Stratum V2: messages are frames, a session is a channel, and a job's frame is put together once for all channels. */
export class StratumV2 implements SessionProtocol {
  readonly #jobFrames = new ExtendedJobFrames()

  open(options: SessionOptions, deps: SessionDeps): V2Session {
    return new V2Session(options, { ...deps, jobFrames: this.#jobFrames })
  }
}
