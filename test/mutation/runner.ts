import { appendFileSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { RunnerTestSuite as Suite, RunnerTestCase as Test } from 'vitest'
import { VitestTestRunner } from 'vitest/runners'
import { mutantSwitch } from './mutant-switch.ts'
import { type Note, readOrder, WAITS, WAITS_MS } from './order.ts'
import { showLife } from './process-watch.ts'

/** One that takes more of a processor is run for what the others do not notice, and each time in a process of its own. */
const SWITCHED_MS = 10_000

const order = readOrder()
if (order.how !== 'switched') throw new Error('one mutant alone needs no runner of its own')
const { notes, mostMs } = order
const known = globalThis as { __doneMutants?: Set<number> }
known.__doneMutants ??= new Set(order.done)
const done: Set<number> = known.__doneMutants
const left = JSON.parse(readFileSync(order.left, 'utf8')) as Readonly<Record<string, readonly number[]>>

function note(line: Note): void {
  showLife(line.type === 'trying')
  appendFileSync(notes, `${JSON.stringify(line)}\n`)
}

/**
 * Runs a test, and then once more for each mutant that it came by and no test has noticed yet: no process is started and nothing is loaded
 * anew, so a mutant costs what the test does. A test that does not pass a second time as it is, or not after a mutant, is of no use here.
 */
export default class MutantRunner extends VitestTestRunner {
  async runTask(test: Test): Promise<void> {
    const run = VitestTestRunner.getTestFn(test)
    const mutants = mutantSwitch()
    mutants.begin()
    const [fromMs, from] = [performance.now(), process.cpuUsage()]
    await run()
    const ms = performance.now() - fromMs
    const { user, system } = process.cpuUsage(from)
    const takesMs = (user + system) / 1_000
    if (takesMs > mostMs) return
    const asked = mutants.asked()
    const passes = async (): Promise<boolean> => {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<false>(resolve => {
        timer = setTimeout(() => resolve(false), Math.max(WAITS_MS, WAITS * ms))
      })
      const ends = again(test).then(
        () => true,
        () => false
      )
      const isPassed = await Promise.race([ends, late])
      clearTimeout(timer)
      return isPassed
    }
    const name = `${relative(process.cwd(), test.file.filepath)}: ${test.fullTestName}`
    const before = new Set(left[name])
    const open = asked.ids.filter(id => !done.has(id) && !before.has(id))
    const cameBy = (isTried: boolean): void =>
      note({ type: 'came-by', test: name, mutants: open.filter(id => !done.has(id)), isTried })
    if (open.length === 0) return
    if (takesMs > SWITCHED_MS || !(await passes())) return cameBy(false)
    for (const id of open) {
      note({ type: 'trying', mutant: id })
      mutants.on(id, asked.most)
      const isNoticed = !(await passes())
      mutants.off()
      if (!isNoticed) continue
      // What it has left behind may break this test from now on, and then says nothing of the others.
      if (!(await passes())) return cameBy(false)
      done.add(id)
      note({ type: 'noticed', mutant: id, by: name })
    }
    cameBy(true)
    note({ type: 'left', test: name, mutants: asked.ids.filter(id => !done.has(id)) })
  }
}

/** Runs a test once more, with what stands after and before each of its file: that makes anew what the test has changed. */
async function again(test: Test): Promise<void> {
  const suites: Suite[] = [test.file]
  for (let suite = test.suite; suite !== undefined && suite !== test.file; suite = suite.suite)
    suites.splice(1, 0, suite)
  const hooks = suites.map(suite => VitestTestRunner.getSuiteHooks(suite))
  for (const { afterEach } of hooks.toReversed())
    for (const hook of afterEach.toReversed()) await hook(test.context, test.file)
  for (const { beforeEach } of hooks) for (const hook of beforeEach) await hook(test.context, test.file)
  await VitestTestRunner.getTestFn(test)()
}
