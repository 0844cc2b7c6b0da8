import { ByteWriter, bytesEqual, concatBytes } from '../../packages/primitives/src/index.ts'
import { DocsError, table } from './page.ts'

/** A piece of an encoding: what it is, how it is written, and its bytes in an example. */
export interface Field {
  readonly name: string
  readonly encoding: string
  readonly meaning: string
  readonly bytes: Uint8Array
}

/** @param write the field of the example, written by hand */
export function field(
  [name, encoding, meaning]: readonly [name: string, encoding: string, meaning: string],
  write: (writer: ByteWriter) => ByteWriter
): Field {
  return { name, encoding, meaning, bytes: write(new ByteWriter()).finish() }
}

/**
 * The fields as a table.
 * @param encoded the whole example, by the code that the page describes
 * @throws DocsError if the fields put together are not that
 */
export function layoutTable(what: string, fields: readonly Field[], encoded: Uint8Array): string {
  if (!bytesEqual(concatBytes(...fields.map(({ bytes }) => bytes)), encoded)) {
    throw new DocsError(`the fields of the ${what} under scripts/docs are not what the code encodes`)
  }
  return table({
    head: ['field', 'encoding', 'meaning'],
    rows: fields.map(({ name, encoding, meaning }) => [name, encoding, meaning])
  })
}
