#!/usr/bin/env node
import '@p2poolv2/runtime/with-resolvers'
import { runCli } from './cli/run.ts'
import { processTerminal } from './cli/terminal.ts'

const failure = await runCli(process.argv.slice(2), processTerminal())
// What a start that failed has opened must not keep the program alive.
if (failure !== 0) process.exit(failure)
