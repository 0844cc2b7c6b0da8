import { CodecError, type CodecErrorCode } from '../codec-error.ts'

/** How a decoder refuses, or `accepted`. Any other error is thrown on. */
export function codecCode(decode: () => unknown): CodecErrorCode | 'accepted' {
  try {
    decode()
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  return 'accepted'
}
