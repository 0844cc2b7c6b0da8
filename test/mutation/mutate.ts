// `npm run mutate -- --files a.ts,b.ts --tests "packages/consensus" [--minutes 10] [--seed N]`: changes one small thing of a source at a time
// and runs the tests, which should fail. Prints the score and every change that no test noticed. The sources are as they were afterwards.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { seededRng } from '@p2poolv2/primitives'
import { mutantsOf } from './mutants.ts'

/** A mutant that makes a loop endless is noticed as well. */
const TEST_WITHIN_MS = 180_000

const { values } = parseArgs({
  options: {
    files: { type: 'string' },
    tests: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' }
  }
})
if (values.files === undefined || values.tests === undefined) {
  console.error('usage: npm run mutate -- --files a.ts,b.ts --tests "words of paths" [--minutes 10] [--seed N]')
  process.exit(2)
}
const endMs = performance.now() + Number(values.minutes) * 60_000
const tests = values.tests.split(' ')

function testsPass(): boolean {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--bail', '1', '--reporter', 'dot', ...tests]
  const { status } = spawnSync(process.execPath, args, {
    stdio: 'ignore',
    timeout: TEST_WITHIN_MS,
    killSignal: 'SIGKILL'
  })
  return status === 0
}

if (!testsPass()) throw new Error('the tests fail before anything was changed')
let noticed = 0
let tried = 0
let all = 0
const restores = new Map<string, string>()
const restore = (): void => {
  for (const [file, source] of restores) writeFileSync(file, source)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    restore()
    process.exit(1)
  })
}
try {
  for (const file of values.files.split(',')) {
    const source = readFileSync(file, 'utf8')
    restores.set(file, source)
    const mutants = mutantsOf(source, file)
    all += mutants.length
    const rng = seededRng(`mutants ${values.seed} ${file}`)
    // In an order of chance: what there is time for is a sample of all.
    const order = mutants.map(mutant => ({ mutant, at: rng.u32() })).sort((a, b) => a.at - b.at)
    for (const { mutant } of order) {
      if (performance.now() > endMs) break
      writeFileSync(file, mutant.text)
      tried += 1
      if (testsPass()) console.log(`${file}:${mutant.line}  ${mutant.what}: no test noticed`)
      else noticed += 1
    }
    writeFileSync(file, source)
  }
} finally {
  restore()
}
console.log(
  `${noticed} of ${tried} changes noticed (${((100 * noticed) / Math.max(1, tried)).toFixed(0)} %), of ${all} there are`
)
