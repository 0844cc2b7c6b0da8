import type { Pipe } from './inlet.ts'
import { prefixed, takePrefixed } from './varint.ts'

// multistream-select 1.0: lines with a varint length before and a line feed within it.

const HEADER = '/multistream/1.0.0'
const MAX_LINE_BYTES = 16_383

export function line(text: string): Buffer {
  return prefixed(Buffer.from(`${text}\n`))
}

async function takeLine(pipe: Pipe): Promise<string> {
  const text = (await takePrefixed(pipe, MAX_LINE_BYTES)).toString()
  if (!text.endsWith('\n')) throw new Error('a line of multistream has no end')
  return text.slice(0, -1)
}

/** Header and proposal at once, then both come back. @throws if the other says no */
export async function propose(pipe: Pipe, protocol: string): Promise<void> {
  pipe.write(Buffer.concat([line(HEADER), line(protocol)]))
  for (const expected of [HEADER, protocol]) {
    const said = await takeLine(pipe)
    if (said !== expected) throw new Error(`multistream: ${said} instead of ${expected}`)
  }
}

/** Says no until something is proposed that we speak. */
export async function agree(pipe: Pipe, speaks: (protocol: string) => boolean): Promise<string> {
  const header = await takeLine(pipe)
  if (header !== HEADER) throw new Error(`multistream: ${header} instead of ${HEADER}`)
  pipe.write(line(HEADER))
  for (;;) {
    const proposed = await takeLine(pipe)
    if (speaks(proposed)) {
      pipe.write(line(proposed))
      return proposed
    }
    pipe.write(line('na'))
  }
}
