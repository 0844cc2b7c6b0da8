import type { SessionDeps, SessionOptions, SessionProtocol } from '../contract.ts'
import { NotifyLines } from './notify-line.ts'
import { V1Session } from './session.ts'
import { SizeFits } from './size-fits.ts'

/** Stratum V1: messages are lines of JSON, and a job's line is put together once for all sessions. */
export class StratumV1 implements SessionProtocol {
  readonly #shared = { notifyLines: new NotifyLines(), sizeFits: new SizeFits() }

  open(options: SessionOptions, deps: SessionDeps): V1Session {
    return new V1Session(options, { ...deps, shared: this.#shared })
  }
}
