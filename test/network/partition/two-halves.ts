import type { NodeOptions } from '../../e2e/stage/node-program.ts'

export type Half = 'left' | 'right'

/** A network of two halves that can be cut apart. */
export interface TwoHalves {
  /** How a node of a half is started. */
  readonly place: (half: Half) => Pick<NodeOptions, 'apiHost' | 'within' | 'args'>
  readonly cut: () => Promise<void>
  readonly heal: () => Promise<void>
}
