import { bytesToHex, hexToBytes } from '@p2poolv2/primitives'

/** Found by the fuzzer and mended since: stands in the file for good, whatever else comes by the same places. */
const FOUND = '! '

/** Inputs as they stand in a file, a line each: text that is printable ASCII as JSON, all else as hex. */
export interface CorpusLine {
  readonly bytes: Uint8Array
  readonly isFound: boolean
}

export function corpusText(lines: readonly CorpusLine[]): string {
  return lines.map(({ bytes, isFound }) => `${isFound ? FOUND : ''}${inputText(bytes)}\n`).join('')
}

/** @throws SyntaxError or CodecError for a line that is none */
export function parseCorpus(text: string): CorpusLine[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => {
      const isFound = line.startsWith(FOUND)
      return { bytes: inputOf(isFound ? line.slice(FOUND.length) : line), isFound }
    })
}

export function inputText(bytes: Uint8Array): string {
  const isText =
    bytes.length > 0 && bytes.every(byte => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d)
  return isText ? JSON.stringify(String.fromCharCode(...bytes)) : `x${bytesToHex(bytes)}`
}

function inputOf(line: string): Uint8Array {
  if (line.startsWith('x')) return hexToBytes(line.slice(1))
  return Uint8Array.from(JSON.parse(line) as string, character => character.charCodeAt(0))
}
