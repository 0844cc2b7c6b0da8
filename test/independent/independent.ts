/** `npm run test:independent`: a long random chain, and whom it pays computed once more by a program in another language. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { exportChain } from './export-chain.ts'
import { findPython, recompute } from './python.ts'

const { values } = parseArgs({
  options: {
    shares: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    /** Keeps the file there. */
    file: { type: 'string' }
  }
})

const { command, missing } = await findPython()
if (command === null) {
  console.info(`skipped: ${missing}`)
} else {
  const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-independent-'))
  const file = values.file ?? join(folder, 'chain.jsonl')
  const beganMs = performance.now()
  function* lines(): Generator<string> {
    for (const line of exportChain({ seed: values.seed, shares: Number(values.shares) })) yield `${line}\n`
  }
  await pipeline(Readable.from(lines()), createWriteStream(file))
  const madeMs = performance.now()
  console.info(`${values.shares} shares of seed ${values.seed} made in ${((madeMs - beganMs) / 1000).toFixed(1)} s`)
  const { code, counts, complaint } = await recompute(command, file, 10)
  const seconds = ((performance.now() - madeMs) / 1000).toFixed(1)
  if (counts === null) console.info(`DIFFERENT after ${seconds} s: ${complaint}`)
  else console.info(`equal to the satoshi after ${seconds} s: ${JSON.stringify(counts)}`)
  await rm(folder, { recursive: true })
  process.exitCode = code ?? 1
}
