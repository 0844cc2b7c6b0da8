// `npm run fuzz:decoders -- [--minutes 10] [--targets words] [--workers 2] [--seed N] [--folder DIR] [--keep]`: changes inputs of every decoder
// that bytes from outside reach, guided by where in the sources they come by, until each target has had its minutes, those of earlier runs
// counted. Prints a table; ends with 1 if a law was broken. `--keep` writes the shortest inputs that come by everything into `corpus/`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type CorpusLine, corpusText, inputText, parseCorpus } from './engine/corpus-text.ts'
import { type Ledger, readLedger, rowOf, writeLedger } from './ledger.ts'
import { runWorker } from './run-worker.ts'
import { MODULES, targetsOf } from './targets/all.ts'

/** Targets take turns of so long, so that a run that is stopped has looked at all of them. */
const TURN_MS = 60_000
const CORPUS = fileURLToPath(new URL('./corpus/', import.meta.url))

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    targets: { type: 'string', default: '' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    folder: { type: 'string', default: '.cache/fuzz' },
    keep: { type: 'boolean', default: false }
  }
})
const all = (
  await Promise.all(MODULES.map(async module => (await targetsOf(module)).map(target => ({ module, target }))))
).flat()
const words = values.targets.split(',').filter(word => word !== '')
const chosen = all.filter(({ target: { name } }) => words.length === 0 || words.some(word => name.includes(word)))
if (chosen.length === 0) {
  console.error(`no target is called so; there are ${all.map(({ target }) => target.name).join(', ')}`)
  process.exit(2)
}
mkdirSync(values.folder, { recursive: true })
const wantedMs = Number(values.minutes) * 60_000
let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (isStopped = true))
/** Targets that a worker is at. */
const busy = new Set<string>()

function kept(name: string): CorpusLine[] {
  try {
    return parseCorpus(readFileSync(join(CORPUS, `${name}.txt`), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** The target that has had the least of its time. */
function nextTarget(): ((typeof chosen)[number] & { readonly ledger: Ledger }) | null {
  const open = chosen
    .filter(({ target }) => !busy.has(target.name))
    .map(one => ({ ...one, ledger: readLedger(values.folder, one.target.name) }))
    .filter(({ ledger }) => ledger.ms < wantedMs)
  return open.sort((a, b) => a.ledger.ms - b.ledger.ms)[0] ?? null
}

async function work(): Promise<void> {
  for (let next = nextTarget(); next !== null && !isStopped; next = nextTarget()) {
    const { module, target, ledger } = next
    const { name } = target
    busy.add(name)
    const corpus = [...kept(name).map(({ bytes }) => bytes), ...ledger.corpus]
    const ms = Math.min(TURN_MS, wantedMs - ledger.ms)
    const seed = `${values.seed} ${ledger.runs}`
    const ran = await runWorker(
      { task: 'fuzz', module, target: name, corpus, seed, ms },
      target.maxBytes,
      () => isStopped
    )
    writeLedger(values.folder, name, {
      runs: ledger.runs + 1,
      ms: ledger.ms + ran.ms,
      inputs: ledger.inputs + ran.figures.inputs,
      edges: ran.figures.edges,
      slowestMs: Math.max(ledger.slowestMs, ran.figures.slowestMs),
      slowestBytes: ran.figures.slowestMs > ledger.slowestMs ? ran.figures.slowestBytes : ledger.slowestBytes,
      memoryPart: Math.max(ledger.memoryPart, ran.figures.memoryPart),
      corpus: [...ledger.corpus, ...ran.kept],
      breaks: ran.figures.breaks.map(({ what, bytes }) => ({ what, input: inputText(bytes) }))
    })
    for (const { what, bytes } of ran.figures.breaks)
      console.log(`${name}: ${what}\n  ${inputText(bytes).slice(0, 2_000)}`)
    busy.delete(name)
  }
}

/** Writes the shortest inputs that come by what was found, and what was broken once, as it was. */
async function keep({ module, target }: (typeof chosen)[number]): Promise<void> {
  const { name, maxBytes } = target
  const before = kept(name)
  const corpus = [...before.map(({ bytes }) => bytes), ...readLedger(values.folder, name).corpus]
  const order = { task: 'distil', module, target: name, corpus, seed: '', ms: 0 } as const
  const { distilled } = await runWorker(order, maxBytes, () => false)
  const found = before.filter(({ isFound }) => isFound)
  const lines = [...found, ...distilled.map(bytes => ({ bytes, isFound: false }))]
  if (lines.length > 0) writeFileSync(join(CORPUS, `${name}.txt`), corpusText(lines))
}

await Promise.all(Array.from({ length: Number(values.workers) }, work))
if (values.keep) {
  mkdirSync(CORPUS, { recursive: true })
  const left = [...chosen]
  const keepNext = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await keep(next)
  }
  await Promise.all(Array.from({ length: Number(values.workers) }, keepNext))
}
const ledgers = chosen.map(({ target }) => ({ target, ledger: readLedger(values.folder, target.name) }))
console.log(
  ['target', 'door', 'inputs', '/s', 'edges', 'corpus', 'slowest', 'memory', 'breaks']
    .map((head, i) => (i === 0 ? head.padEnd(24) : head.padStart(9)))
    .join(' ')
)
for (const { target, ledger } of ledgers) console.log(rowOf(target, ledger))
const inputs = ledgers.reduce((sum, { ledger }) => sum + ledger.inputs, 0)
const broken = ledgers.filter(({ ledger }) => ledger.breaks.length > 0).length
console.log(`${inputs.toLocaleString('en')} inputs, ${broken} of ${ledgers.length} targets with breaks`)
process.exitCode = broken > 0 ? 1 : 0
