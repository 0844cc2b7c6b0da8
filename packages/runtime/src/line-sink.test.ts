import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { DescriptorSink } from './line-sink.ts'
import { useDirectory } from './testing/index.ts'

const CHATTER = fileURLToPath(new URL('testing/chatter.ts', import.meta.url))
const directory = useDirectory('line-sink')
const started: ChildProcess[] = []
afterEach(() => {
  for (const { pid } of started.splice(0)) {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }
})

const file = (name: string): string => join(directory.path, name)

function chatter(linesATurn: number): string {
  const words = [process.execPath, '--conditions=p2pool-source', '--import=tsx', CHATTER, file('turns'), file('end')]
  return [...words, String(linesATurn)].map(word => `'${word}'`).join(' ')
}

function shell(command: string): ChildProcess {
  const child = spawn('sh', ['-c', command], { detached: true, stdio: 'ignore' })
  started.push(child)
  return child
}

/** Turns the process has had, and lines it has lost. */
async function reached(is: (turns: number, lost: number) => boolean): Promise<void> {
  for (;;) {
    const [turns = 0, lost = 0] = existsSync(file('turns'))
      ? readFileSync(file('turns'), 'utf8').split(' ').map(Number)
      : []
    if (is(turns, lost)) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

describe('a log whose reader has stopped', () => {
  it('does not stop the program: a full pipe', async () => {
    // The reader never reads.
    shell(`${chatter(50)} | sleep 1000`)
    await reached((_turns, lost) => lost > 2_000)
    let turnsThen = 0
    await reached(turns => {
      turnsThen = turns
      return true
    })
    await reached(turns => turns > turnsThen + 20)
  })

  it('goes on where the reader does, and says how many lines were lost', async () => {
    const reader = shell(
      `${chatter(50)} | (while [ ! -e '${file('go')}' ]; do sleep 0.1; done; cat > '${file('read')}')`
    )
    await reached((_turns, lost) => lost > 500)
    writeFileSync(file('go'), '')
    // The program may not end before the reader has woken: what it had to say of lost lines would be lost with it.
    await reached(() => existsSync(file('read')) && readFileSync(file('read'), 'utf8').includes('\nlost '))
    writeFileSync(file('end'), '')
    await once(reader, 'close')
    const lines = readFileSync(file('read'), 'utf8').trimEnd().split('\n')
    const [, lost] = readFileSync(file('turns'), 'utf8').split(' ').map(Number)
    const told = lines.filter(line => line.startsWith('lost ')).reduce((sum, line) => sum + Number(line.slice(5)), 0)
    expect(told).toBe(lost)
    // Not a line is cut or put into another.
    for (const line of lines) expect(line).toMatch(/^(lost \d+|turn \d+ x{200})$/)
  })

  it('drops what was for a reader that has gone', async () => {
    shell(`${chatter(50)} | true`)
    await reached(turns => turns > 50)
    expect(readFileSync(file('turns'), 'utf8')).toMatch(/ 0$/)
  })

  it('loses nothing while somebody reads', async () => {
    const reader = shell(`${chatter(3)} | cat > '${file('read')}'`)
    await reached(turns => turns > 50)
    writeFileSync(file('end'), '')
    await once(reader, 'close')
    const [turns = 0] = readFileSync(file('turns'), 'utf8').split(' ').map(Number)
    expect(readFileSync(file('read'), 'utf8').split('\n')).toHaveLength((turns - 1) * 3 + 2)
  })
})

it.runIf(existsSync('/dev/full'))('neither throws nor grows when the disk of the log is full', () => {
  const sink = new DescriptorSink(openSync('/dev/full', 'w'), lost => `${lost}\n`)
  for (let line = 0; line < 10_000; line++) sink.write(`mining goes on ${line}\n`.padEnd(100))
  expect(sink.lost).toBeGreaterThan(5_000)
  sink.close()
})
