import type { NotifyLines } from './notify-line.ts'
import type { SizeFits } from './size-fits.ts'

/** What the sessions of one server make once for all. */
export interface SharedByAll {
  readonly notifyLines: NotifyLines
  readonly sizeFits: SizeFits
}
