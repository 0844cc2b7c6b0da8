/**
 * Why bytes or text from outside were refused:
 * `truncated` they end too early; `trailing` something follows the end; `non-minimal` a longer encoding than needed;
 * `oversize` a length or number above its limit; `malformed` not of the form at all.
 */
export type CodecErrorCode = 'truncated' | 'trailing' | 'non-minimal' | 'oversize' | 'malformed'

/** Thrown by decoders for bad input, and caught where a decoder is called; never means that our own code is wrong. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
  readonly code: CodecErrorCode

  constructor(code: CodecErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
