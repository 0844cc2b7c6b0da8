// Child processes, and signals on their way to them.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Failure } from './terminal.mjs'

/**
 * @typedef {{ code: number, signal: NodeJS.Signals | null }} Outcome `signal` is what the program died of
 * @typedef {{ ok: boolean, output: string }} Captured
 */

/** The repository; every child runs here. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** @typedef {'SIGINT' | 'SIGTERM' | 'SIGHUP'} StopSignal */
const STOP_SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])

/** For exit codes: 128 plus the number. */
export const SIGNAL_NUMBERS = constants.signals

// Ctrl-C under npm reaches us twice, from the terminal and from npm. Nobody presses it twice this fast.
const SAME_SIGNAL_MS = 250

/** A stop signal came while a step was at work. */
export class Interrupted extends Error {
  signal

  constructor(/** @type {StopSignal} */ signal) {
    super(`stopped by ${signal}`)
    this.signal = signal
  }
}

/** @type {Set<import('node:child_process').ChildProcess>} */
const living = new Set()

/** @type {StopSignal | null} */
let stopSignal = null

/**
 * From now on a stop signal goes to the children, however often it comes, and this process outlives them. With no child
 * at work it ends this process.
 * @returns a function that ends the watch
 */
export function watchSignals() {
  let lastMs = Number.NEGATIVE_INFINITY
  // A terminal sends Ctrl-C to the whole process group: the child has it already, and a second one may mean "at once".
  const terminalInterrupts = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const watchers = STOP_SIGNALS.map(signal => {
    const relay = () => {
      const nowMs = performance.now()
      const repeated = stopSignal === signal && nowMs - lastMs < SAME_SIGNAL_MS
      lastMs = nowMs
      if (repeated) return
      stopSignal = signal
      if (living.size === 0) process.exit(128 + SIGNAL_NUMBERS[signal])
      if (signal === 'SIGINT' && terminalInterrupts) return
      for (const child of living) child.kill(signal)
    }
    process.on(signal, relay)
    return () => process.off(signal, relay)
  })
  return () => {
    for (const unwatch of watchers) unwatch()
  }
}

/**
 * Runs a program on this terminal.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Outcome>}
 */
export function attach(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: 'inherit' })
    living.add(child)
    child.once('error', error => reject(cannotStart(command, error)))
    child.once('close', (code, signal) => {
      living.delete(child)
      resolve({ code: code ?? 1, signal })
    })
  })
}

/**
 * Runs a program with no input and collects what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<Captured>}
 * @throws {Interrupted} if a stop signal came meanwhile
 */
export function capture(command, args, env = process.env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    living.add(child)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        output += text
      })
    }
    child.once('error', error => reject(cannotStart(command, error)))
    child.once('close', code => {
      living.delete(child)
      if (stopSignal === null) resolve({ ok: code === 0, output })
      else reject(new Interrupted(stopSignal))
    })
  })
}

/** `capture` with the Node.js this process runs on. */
export function captureNode(/** @type {string[]} */ args, env = process.env) {
  return capture(process.execPath, args, env)
}

function cannotStart(/** @type {string} */ command, /** @type {Error} */ error) {
  return new Failure(`cannot run ${command}: ${error.message}`)
}
