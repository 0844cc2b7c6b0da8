import { CodecError } from '@p2poolv2/primitives'

/** What a decoder read, or null for bytes it refuses. */
export function decoded<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch (error) {
    if (error instanceof CodecError) return null
    throw error
  }
}
