import { relative } from 'node:path'
import type { RunnerTestCase as Test } from 'vitest'
import { VitestTestRunner } from 'vitest/runners'
import { readOrder } from './order.ts'

const order = readOrder()
if (order.how !== 'alone') throw new Error('the tests are for one mutant alone')
const byFile = order.mostMs

/** Runs tests as they are, but does not wait for what a mutant never says. */
export default class AloneRunner extends VitestTestRunner {
  async runTask(test: Test): Promise<void> {
    const ends = VitestTestRunner.getTestFn(test)()
    const mostMs = byFile[relative(process.cwd(), test.file.filepath)]
    if (mostMs === undefined) return ends
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('this test took far less before')), mostMs)
    })
    await Promise.race([ends, late]).finally(() => clearTimeout(timer))
  }
}
