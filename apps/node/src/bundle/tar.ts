/** A file of an archive. */
export interface ArchivedFile {
  /** At most 99 characters of ASCII. */
  readonly name: string
  readonly text: string
}

const BLOCK_BYTES = 512

/**
 * An archive in the format ustar (POSIX.1-1988), which every tar reads.
 * @param modifiedSec of all files, unix seconds
 */
export function tarOf(files: readonly ArchivedFile[], modifiedSec: number): Uint8Array {
  const parts = files.flatMap(({ name, text }) => {
    const content = Buffer.from(text)
    const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES)
    return [header(name, content.length, modifiedSec), content, padding]
  })
  // Two empty blocks end it.
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)])
}

function header(name: string, bytes: number, modifiedSec: number): Buffer {
  if (!/^[\x21-\x7e]{1,99}$/.test(name)) throw new Error(`"${name}" cannot be the name of a file in an archive`)
  const block = Buffer.alloc(BLOCK_BYTES)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(name, 0, 'latin1')
  block.write(octal(0o600, 7), 100, 'latin1')
  block.write(octal(0, 7), 108, 'latin1')
  block.write(octal(0, 7), 116, 'latin1')
  block.write(octal(bytes, 11), 124, 'latin1')
  block.write(octal(modifiedSec, 11), 136, 'latin1')
  // The checksum is counted with spaces in its place.
  block.write('        ', 148, 'latin1')
  block.write('0', 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
