/** A change that makes no difference to anybody, and why. */
export interface Equivalent {
  /** How the file's path ends. */
  readonly path: string
  /** Of the line it is in. */
  readonly within: string
  /** `any`: every change of that line. */
  readonly what: string
  readonly because: string
}

export const ROOM = 'how much room is made at a time'
export const SORTED = 'it is sorted again, or by the other of window and outputs: the order is the same'
export const COMPARED = 'only the sign of a comparison counts, and equals may stand either way'
export const REMEMBERED = 'what is not remembered is worked out again'
export const BOUND = 'a bound is as good with one more'
export const INVARIANT = 'a check of a state that is never wrong finds nothing'
export const EITHER_WAY = 'what is equal comes to the same either way'
