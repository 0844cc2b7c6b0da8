// The table of commands and what happens around one: signals, failures and the exit code.
import { resolve } from 'node:path'
import { runBenches } from './bench.mjs'
import { build, ensureBuilt } from './build.mjs'
import { CALLED_FROM, calledFrom } from './called-from.mjs'
import { attach, Interrupted, ROOT, SIGNAL_NUMBERS, watchSignals } from './child.mjs'
import { ensureInstalled, installForDevelopers } from './install.mjs'
import { releaseOnExit } from './lock.mjs'
import { Failure, say } from './terminal.mjs'
import { check, docs, suite, test } from './verify.mjs'

/**
 * @typedef {import('./child.mjs').Outcome} Outcome
 * @typedef {object} Command
 * @property {string} usage the command and its arguments, for the help text
 * @property {string} summary one sentence
 * @property {(args: string[]) => Promise<Outcome>} run
 */

/**
 * A command whose work is a built program.
 * @param {string[]} command options of Node.js, the program, and what comes before the user's arguments
 */
const app = (...command) => {
  return async (/** @type {string[]} */ args) => {
    await ensureInstalled()
    await ensureBuilt()
    const from = calledFrom(process.env, process.cwd(), resolve(ROOT))
    return attach(process.execPath, [...command, ...args], { ...process.env, [CALLED_FROM]: from })
  }
}

/** Hundreds of nodes share one heap: with room for what is young, a tenth less of a run is the collector's. */
const MANY_NODES = '--max-semi-space-size=64'

/** A command whose work is a script in TypeScript beside the sources and the built program. */
const script = (/** @type {string} */ path) => {
  return async (/** @type {string[]} */ args) => {
    await ensureInstalled()
    await ensureBuilt()
    return attach(process.execPath, ['--import', 'tsx', '--conditions=p2pool-source', path, ...args])
  }
}

/** @type {Record<string, Command>} */
const COMMANDS = {
  start: {
    usage: 'start [options]',
    summary: 'run a node; options go to it (start --help lists them)',
    run: app('apps/node/dist/main.js', 'start')
  },
  cli: {
    usage: 'cli <command> [options]',
    summary: 'run the p2poolv2 command line, for instance: cli --help',
    run: app('apps/node/dist/main.js')
  },
  test: {
    usage: 'test [filter...]',
    summary: 'check and run all tests, or only those vitest finds by filter',
    run: test
  },
  'test:interop': {
    usage: 'test:interop [filter...]',
    summary: 'build a peer in Rust and hold the network against it; minutes the first time',
    run: suite('test/interop')
  },
  'test:network': {
    usage: 'test:network [filter...]',
    summary: 'eight real nodes at a time on one computer, in lines, stars and trees; takes minutes',
    run: suite('test/network')
  },
  'test:long-sync': {
    usage: 'test:long-sync [options]',
    summary: 'a fresh node takes in 100,000 shares of three peers, one slow, one a liar; --shares N',
    run: script('test/network/long-sync/long-sync.ts')
  },
  'test:independent': {
    usage: 'test:independent [options]',
    summary: 'whom a random chain of 20,000 shares pays, computed again in Python; --shares N, --seed N',
    run: script('test/independent/independent.ts')
  },
  'test:power-cut': {
    usage: 'test:power-cut [options]',
    summary: 'two thousand power cuts over what a store writes; needs gcc; --cuts N, --seed N',
    run: script('test/faults/power-cut/power-cut.ts')
  },
  mutate: {
    usage: 'mutate [options]',
    summary:
      'change one small thing of consensus, window, organise or blocks at a time and see whether tests notice; --subjects WORDS, --minutes N',
    run: async args => {
      await ensureInstalled()
      return attach(process.execPath, [
        '--import',
        'tsx',
        '--conditions=p2pool-source',
        'test/mutation/mutate.ts',
        ...args
      ])
    }
  },
  kill: {
    usage: 'kill [options]',
    summary:
      'a node that mines beside a peer dies a thousand times; goes on where it was stopped; --times N, --folder DIR',
    run: script('test/faults/kill/kill.ts')
  },
  soak: {
    usage: 'soak [options]',
    summary: 'eight real nodes for twenty minutes, restarts, memory and files; --minutes N, --seed N',
    run: script('test/network/soak/soak.ts')
  },
  'test:browser': {
    usage: 'test:browser',
    summary: 'the page in Chromium against a running node; skipped where there is no Chromium',
    run: async () => {
      await ensureInstalled()
      await ensureBuilt()
      return test(['test/browser'])
    }
  },
  'fuzz:wire': {
    usage: 'fuzz:wire [options]',
    summary: 'ten minutes of random and mutated bytes against a live node; --minutes N, --seed N',
    run: script('test/wire/fuzz/fuzz.ts')
  },
  'fuzz:stratum': {
    usage: 'fuzz:stratum [options]',
    summary: 'ten minutes of random and mutated lines beside a hundred honest miners; --minutes N, --seed N',
    run: async args => {
      await ensureInstalled()
      await ensureBuilt()
      return attach(process.execPath, [
        '--import',
        'tsx',
        '--conditions=p2pool-source',
        'test/stratum-fuzz/fuzz.ts',
        ...args
      ])
    }
  },
  'fuzz:decoders': {
    usage: 'fuzz:decoders [options]',
    summary:
      'every decoder that bytes from outside reach, guided by coverage, until each has had its time; goes on where it was stopped; --minutes N, --targets WORDS',
    run: async args => {
      await ensureInstalled()
      return attach(process.execPath, ['--import', 'tsx', '--conditions=p2pool-source', 'test/fuzz/fuzz.ts', ...args])
    }
  },
  check: { usage: 'check', summary: 'types, lint and format, layers, docs', run: check },
  docs: { usage: 'docs', summary: 'write the pages of docs/ that are made from the sources', run: docs },
  sim: {
    usage: 'sim [scenario] [options]',
    summary: 'play a network in virtual time; without a scenario the list of them',
    run: app(MANY_NODES, 'apps/sim/dist/main.js')
  },
  load: {
    usage: 'load [options]',
    summary: 'miners that do real work against any stratum server; load --help lists the options',
    run: app('apps/load/dist/main.js')
  },
  bench: { usage: 'bench [filter...]', summary: 'run the benchmarks in test/bench', run: runBenches },
  pack: {
    usage: 'pack',
    summary: 'make the file that npm install -g takes',
    run: async () => (await import('../pack/pack.mjs')).pack()
  },
  'pack:check': {
    usage: 'pack:check',
    summary: 'make it, install it where there is no compiler, and run it; needs the npm registry',
    run: async () => (await import('../pack/pack.mjs')).packCheck()
  },
  build: { usage: 'build', summary: 'compile every package', run: build },
  install: {
    usage: 'install [options]',
    summary: 'install after a change of dependencies, and update pnpm-lock.yaml',
    run: installForDevelopers
  }
}

function usage() {
  const lines = Object.values(COMMANDS).map(({ usage, summary }) => `  ${usage.padEnd(24)} ${summary}`)
  return `usage: node scripts/run.mjs <command>\n\n${lines.join('\n')}\n`
}

/**
 * Runs one command line; sets the exit code, or dies of the signal its program died of.
 * @param {string[]} argv
 */
export async function main([name = '--help', ...args]) {
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage())
    return
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    process.stderr.write(`p2poolv2: no such command: ${name}\n\n${usage()}`)
    process.exitCode = 2
    return
  }
  releaseOnExit()
  const unwatchSignals = watchSignals()
  const outcome = await command.run(args).catch(outcomeOfError)
  unwatchSignals()
  if (outcome.signal === null) process.exitCode = outcome.code
  else process.kill(process.pid, outcome.signal)
}

/** @returns {Outcome} */
function outcomeOfError(/** @type {unknown} */ error) {
  if (error instanceof Interrupted) return { code: 128 + SIGNAL_NUMBERS[error.signal], signal: null }
  if (!(error instanceof Failure)) throw error
  say(error.message)
  if (error.details !== '') process.stderr.write(`${error.details.trimEnd()}\n`)
  return { code: 1, signal: null }
}
