/** A process of its own: writes lines to its standard output, many in a turn, and counts its turns into a file until it is told to end. */
import { readFileSync, writeFileSync } from 'node:fs'
import { DescriptorSink } from '../line-sink.ts'

const [file = '', end = '', linesATurn = '1'] = process.argv.slice(2)
const sink = new DescriptorSink(1, lost => `lost ${lost}\n`)
let turns = 0
const isOver = (): boolean => {
  try {
    return readFileSync(end).length >= 0
  } catch {
    return false
  }
}
const timer = setInterval(() => {
  const isLast = isOver()
  const lines = isLast ? 1 : Number(linesATurn)
  for (let n = 0; n < lines; n++) sink.write(`turn ${turns} ${'x'.repeat(200)}\n`)
  turns += 1
  writeFileSync(file, `${turns} ${sink.lost}`)
  if (!isLast) return
  clearInterval(timer)
  // What waits gets its chance.
  setTimeout(() => process.exit(0), 1_000)
}, 10)
