import type { MiningWork } from '@p2poolv2/bitcoin'
import type { SizeFit } from '../mining/size-fit.ts'
import { sizeFit } from './size-classes.ts'

/** Makes whose fit is kept; beyond it a fit is found anew each time. */
const MAX_KEPT_FITS = 256

/** `sizeFit` of the work at hand by user agent: thousands of miners are of a few makes. */
export class SizeFits {
  readonly #byAgent = new Map<string, SizeFit | null>()
  #work: MiningWork | null = null

  of(userAgent: string, work: MiningWork): SizeFit | null {
    if (work !== this.#work) {
      this.#work = work
      this.#byAgent.clear()
    }
    let fit = this.#byAgent.get(userAgent)
    if (fit === undefined) {
      fit = sizeFit(userAgent, work)
      if (this.#byAgent.size < MAX_KEPT_FITS) this.#byAgent.set(userAgent, fit)
    }
    return fit
  }
}
