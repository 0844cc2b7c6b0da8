import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * A vitest reporter that prints nothing: at the end it writes `{ passed, failed, skipped }` as JSON to the file named by
 * P2POOLV2_TEST_TOTALS. A file or group that fails outside its tests, an error nobody caught and an interruption count as
 * one failure each.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const path = process.env['P2POOLV2_TEST_TOTALS']
    if (path === undefined) return
    const totals = { passed: 0, failed: errors.length + (reason === 'interrupted' ? 1 : 0), skipped: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) totals.failed += 1
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0) totals.failed += 1
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed' || state === 'failed' || state === 'skipped') totals[state] += 1
      }
    }
    writeFileSync(path, JSON.stringify(totals))
  }
}
