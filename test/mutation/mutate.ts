// `npm run mutate -- [--subjects words] [--minutes 30] [--tests words] [--folder DIR]`: changes one small thing of a source at a time and tells which no test
// noticed. All changes of a subject are in its sources at once, each behind a switch: every test is run again and again with one of them on. What
// cannot be switched, what a cache may hide, and what only tests that take long come by, is tried in a process of its own. Goes on where it was stopped; a source that has changed
// since begins anew.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRng } from '@p2poolv2/primitives'
import { LoneRuns } from './alone.ts'
import { EQUIVALENT } from './equivalent.ts'
import type { Mutant } from './mutants.ts'
import { type Note, orderEnv, type Switched } from './order.ts'
import { type SwitchedFile, switchedFiles } from './sources.ts'
import { SUBJECTS, type Subject } from './subjects.ts'

/** Tests that say nothing for so long hang at the mutant that is on, and not for want of a processor (see `process-watch.ts`). */
const SILENT_MS = 600_000

/** Tests that take so much of a processor go first: most of what there is to notice they do, and it is not tried on others. */
const QUICK_MS = 100
const EVER_SO_LONG_MS = 3_600_000

const { values } = parseArgs({
  options: {
    subjects: { type: 'string', default: '' },
    minutes: { type: 'string', default: '30' },
    tests: { type: 'string' },
    folder: { type: 'string', default: '.cache/mutation' }
  }
})
const endMs = performance.now() + Number(values.minutes) * 60_000
mkdirSync(values.folder, { recursive: true })

/** By file and place in it. `survived`: no test noticed it, of all that come by it; `open` ones are still to be tried alone. */
type Verdict = 'noticed' | 'survived' | 'open'
interface Ledger {
  readonly digests: Record<string, string>
  readonly verdicts: Record<string, Verdict>
  /** The tests to be run with it alone. */
  readonly tests: Record<string, string[]>
  /** By test (`file: name`), what it was tried on and did not notice. */
  readonly left: Record<string, string[]>
}

interface Entry {
  readonly key: string
  readonly file: SwitchedFile
  readonly mutant: Mutant
}

for (const subject of SUBJECTS.filter(({ name }) => values.subjects === '' || values.subjects.includes(name))) {
  // Some of its tests, as while one writes them: what they do not notice is not decided by that.
  await mutate(values.tests === undefined ? subject : { ...subject, tests: values.tests.split(',') })
}

async function mutate(subject: Subject): Promise<void> {
  const files = switchedFiles(subject.files)
  const entries = files.flatMap(file =>
    file.mutants.map((mutant, i): Entry => ({ key: `${file.path}#${i}`, file, mutant }))
  )
  const ledgerFile = join(values.folder, `${subject.name}.json`)
  const ledger = readLedger(ledgerFile, files)
  const save = (): void => writeFileSync(ledgerFile, JSON.stringify(ledger, null, 1))
  // What had survived is tried on tests that are new.
  const isOpen = ({ key }: Entry): boolean => ledger.verdicts[key] !== 'noticed'
  const keyOf = new Map(entries.map(({ key, mutant }) => [mutant.id, key]))
  const noticed = (id: number): void => {
    const key = keyOf.get(id)
    if (key !== undefined) ledger.verdicts[key] = 'noticed'
  }
  const toBeRunAlone = (id: number, test: string): void => {
    const key = keyOf.get(id)
    if (key !== undefined) ledger.tests[key] = [...new Set([...(ledger.tests[key] ?? []), test])]
  }

  // What is there from the first line on cannot be switched within a test.
  const isSwitched = (entry: Entry): boolean => isOpen(entry) && !entry.mutant.isStatic && !isEquivalent(entry)
  let isOver = true
  const words = [subject.tests, subject.furtherTests].filter(each => each.length > 0)
  for (const [tests, mostMs] of words.flatMap(each => [[each, QUICK_MS] as const, [each, EVER_SO_LONG_MS] as const])) {
    for (isOver = !entries.some(isSwitched); !isOver && performance.now() < endMs; ) {
      const done = entries.filter(entry => !isSwitched(entry)).map(({ mutant }) => mutant.id)
      const idOf = new Map(entries.map(({ key, mutant }) => [key, mutant.id]))
      const left = Object.entries(ledger.left).map(
        ([test, keys]) => [test, keys.map(key => idOf.get(key) ?? -1)] as const
      )
      const ran = await run(tests, { how: 'switched', files: subject.files, done, mostMs }, Object.fromEntries(left))
      for (const note of ran.notes) {
        if (note.type === 'noticed') noticed(note.mutant)
        if (note.type === 'left') ledger.left[note.test] = note.mutants.map(id => keyOf.get(id) ?? '')
        if (note.type === 'came-by' && (subject.hasCaches || !note.isTried))
          for (const id of note.mutants) toBeRunAlone(id, note.test)
      }
      const last = ran.notes.at(-1)
      // A process that hangs or dies does so at the mutant that it tries.
      const isAtOne = ran.outcome !== 'late' && last?.type === 'trying'
      if (isAtOne) noticed(last.mutant)
      save()
      if (ran.outcome === 'failed' && !isAtOne)
        throw new Error(`the tests of ${subject.name} fail before anything was changed`)
      isOver = ran.outcome === 'passed'
    }
  }
  if (isOver && values.tests === undefined) {
    for (const entry of entries.filter(isSwitched)) {
      ledger.verdicts[entry.key] = (ledger.tests[entry.key] ?? []).length > 0 ? 'open' : 'survived'
    }
  }
  save()

  if (values.tests === undefined)
    await tryAlone(subject, ledger, { entries: entries.filter(entry => !isEquivalent(entry)), save })
  report(subject, entries, ledger)
}

/** What cannot be switched, or not so that one could trust it, each in a process of its own. */
async function tryAlone(
  subject: Subject,
  ledger: Ledger,
  { entries, save }: { readonly entries: readonly Entry[]; readonly save: () => void }
): Promise<void> {
  const rng = seededRng(`mutants ${subject.name}`)
  const place = ({ key }: Entry): number => (ledger.verdicts[key] === 'survived' ? 1 : 0)
  const alone = entries
    .map(entry => ({ entry, at: rng.u32() }))
    .filter(({ entry: { key, mutant } }) => {
      if (ledger.verdicts[key] === 'noticed') return false
      // What had survived is tried again, for tests may be new; one that is switched, on those that come by it and have not been tried.
      return mutant.isStatic || (ledger.tests[key] ?? []).length > 0
    })
    // In an order of chance: what there is time for is a sample of all.
    .sort((a, b) => place(a.entry) - place(b.entry) || a.at - b.at)
  if (alone.length === 0) return
  const runs = await LoneRuns.open(subject.files)
  for (const { entry } of alone) {
    if (performance.now() > endMs) break
    const tests = ledger.tests[entry.key] ?? []
    const files = [...new Set(tests.map(test => test.split(': ')[0] ?? test))]
    // What is there when a file is loaded may matter to any of them.
    const wanted = entry.mutant.isStatic ? [subject.tests, subject.furtherTests] : [files]
    let isNoticed = false
    for (const words of wanted) {
      if (!isNoticed && words.length > 0) isNoticed = await runs.isNoticed(entry.mutant.id, words)
    }
    ledger.verdicts[entry.key] = isNoticed ? 'noticed' : 'survived'
    for (const test of tests) ledger.left[test] = [...(ledger.left[test] ?? []), entry.key]
    ledger.tests[entry.key] = []
    save()
  }
  await runs.close()
}

function report({ name }: Subject, entries: readonly Entry[], { verdicts }: Ledger): void {
  const counted = entries.filter(entry => !isEquivalent(entry))
  const tried = counted.filter(({ key }) => verdicts[key] !== undefined)
  const left = tried.filter(({ key }) => verdicts[key] !== 'noticed')
  for (const { file, mutant, key } of left) {
    const isSure = verdicts[key] === 'survived'
    console.log(
      `${file.path}:${mutant.line}  ${mutant.what}: no test noticed${isSure ? '' : ' (of those that are quick)'}`
    )
  }
  const seen = tried.length - left.length
  const score = ((100 * seen) / Math.max(1, tried.length)).toFixed(1)
  const open = counted.length - tried.length
  console.log(
    `${name}: ${seen} of ${tried.length} changes noticed (${score} %)${open > 0 ? `, ${open} not decided yet` : ''}, ${entries.length - counted.length} without effect`
  )
}

function isEquivalent({ file, mutant }: Entry): boolean {
  return EQUIVALENT.some(
    ({ path, what, within }) =>
      file.path.endsWith(path) &&
      (what === 'any' || what === mutant.what) &&
      lineOf(file.path, mutant.line).includes(within)
  )
}

function lineOf(path: string, line: number): string {
  return readFileSync(path, 'utf8').split('\n')[line - 1] ?? ''
}

interface Ran {
  readonly outcome: 'passed' | 'failed' | 'silent' | 'late'
  readonly notes: readonly Note[]
}

/** Runs tests in a process of their own; ends it when it is silent for long, or time is up. */
function run(
  tests: readonly string[],
  order: Omit<Switched, 'notes' | 'left'>,
  leftByTest: Readonly<Record<string, readonly number[]>> = {}
): Promise<Ran> {
  const notes = join(values.folder, `notes-${process.pid}.jsonl`)
  const left = join(values.folder, `left-${process.pid}.json`)
  writeFileSync(left, JSON.stringify(leftByTest))
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--config',
    'test/mutation/vitest.config.ts',
    '--reporter',
    'dot'
  ]
  const child = spawn(process.execPath, [...args, '--bail', '1', ...tests], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, ...orderEnv({ ...order, notes, left }) }
  })
  let outcome: Ran['outcome'] | null = null
  let spokenMs = performance.now()
  let size = 0
  const end = (how: Ran['outcome']): void => {
    outcome ??= how
    // With the processes it has started.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  const watch = setInterval(() => {
    const now = existsSync(notes) ? statSync(notes).size : 0
    if (now !== size) spokenMs = performance.now()
    size = now
    if (performance.now() - spokenMs > SILENT_MS) end('silent')
    else if (performance.now() > endMs) end('late')
  }, 500)
  return new Promise(resolve => {
    child.on('exit', code => {
      clearInterval(watch)
      const text = existsSync(notes) ? readFileSync(notes, 'utf8') : ''
      const lines = text.split('\n').slice(0, -1)
      rmSync(notes, { force: true })
      rmSync(left, { force: true })
      resolve({
        outcome: outcome ?? (code === 0 ? 'passed' : 'failed'),
        notes: lines.map(line => JSON.parse(line) as Note)
      })
    })
  })
}

function readLedger(file: string, files: readonly SwitchedFile[]): Ledger {
  const digests = Object.fromEntries(files.map(({ path, digest }) => [path, digest]))
  if (!existsSync(file)) return { digests, verdicts: {}, tests: {}, left: {} }
  const known = JSON.parse(readFileSync(file, 'utf8')) as Ledger
  const isSame = (key: string): boolean => {
    const [path = ''] = key.split('#')
    return digests[path] !== undefined && known.digests[path] === digests[path]
  }
  const ofSame = <T>(by: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(by).filter(([key]) => isSame(key)))
  const left = Object.entries(known.left).map(([test, keys]) => [test, keys.filter(isSame)] as const)
  return { digests, verdicts: ofSame(known.verdicts), tests: ofSame(known.tests), left: Object.fromEntries(left) }
}
