#!/usr/bin/env node
import { openFilesComplaint } from './open-files.ts'

const complaint = openFilesComplaint()
if (complaint !== null) {
  process.stderr.write(`${complaint}\n`)
  process.exit(1)
}
// Loading all at once opens more files than a low limit allows, and fails with words that lead nowhere.
await import('@p2poolv2/runtime/with-resolvers')
const { runCli } = await import('./cli/run.ts')
const { processTerminal } = await import('./cli/terminal.ts')

const failure = await runCli(process.argv.slice(2), processTerminal())
// What a start that failed has opened must not keep the program alive.
if (failure !== 0) process.exit(failure)
