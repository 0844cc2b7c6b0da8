import { execFile, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bytesEqual, seededRng } from '@p2poolv2/primitives'
import { type LevelStore, openLevelStore, repairLevelStore } from '@p2poolv2/sharechain/level'
import { hashOf, TEST_IDENTITY } from '@p2poolv2/sharechain/testing'
import { bodyOf } from './deltas.ts'
import { CutDisk, type Loss, readTrace } from './trace.ts'

const run = promisify(execFile)
const fileBeside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const LOSSES: readonly Loss[] = ['lost', 'torn', 'pages']

/** Why there can be no power cuts here, or null. */
export function whyNot(): string | null {
  if (process.platform !== 'linux') return 'what a program writes is noted by LD_PRELOAD, which only Linux has'
  return spawnSync('gcc', ['--version']).status === 0 ? null : 'there is no gcc to make the shim with: install it'
}

export interface CutCounts {
  cuts: number
  /** Deltas that a process had reported as committed and a power cut took, of those nobody had promised. */
  lostBuffered: number
  /** Cuts after which deltas were missing between others; each was noticed. */
  gaps: number
  notes: number
}

/**
 * Writes a store in a process whose writes are noted, cuts the power at moments spread over them, in each way a disk may lose what nobody
 * waited for, and opens what is left.
 * @throws Error naming the cut, when what was promised is not there or something is missing without a word
 */
export async function cutPower(options: {
  readonly deltas: number
  readonly cuts: number
  readonly seed: string
}): Promise<CutCounts> {
  const home = await mkdtemp(join(tmpdir(), 'p2poolv2-power-'))
  try {
    const folder = join(home, 'disk')
    await mkdir(folder)
    const shim = join(home, 'shim.so')
    await run('gcc', ['-shared', '-fPIC', '-O1', '-o', shim, fileBeside('shim.c'), '-ldl', '-lpthread'])
    const trace = join(home, 'trace')
    const env = { ...process.env, LD_PRELOAD: shim, POWER_CUT_FOLDER: folder, POWER_CUT_TRACE: trace }
    const args = ['--conditions=p2pool-source', '--import=tsx', fileBeside('writer.ts'), folder, String(options.deltas)]
    await run(process.execPath, args, { env })
    return await replay(home, await readFile(trace), options)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function replay(
  home: string,
  trace: Buffer,
  { cuts, seed }: { readonly cuts: number; readonly seed: string }
): Promise<CutCounts> {
  const rng = seededRng(`power cuts ${seed}`)
  const notes = readTrace(trace)
  const counts: CutCounts = { cuts: 0, lostBuffered: 0, gaps: 0, notes: notes.length }
  const moments = new Set(Array.from({ length: cuts }, () => rng.u32() % notes.length))
  const disk = new CutDisk(join(home, 'disk'))
  for (const [moment, note] of notes.entries()) {
    disk.do(note)
    if (!moments.has(moment)) continue
    for (const loss of LOSSES) {
      const place = join(home, `cut-${moment}-${loss}`)
      await mkdir(join(place, 'store'), { recursive: true })
      await disk.writeTo(place, loss, rng)
      const promised = Number(disk.read('promises').trimEnd().split('\n').at(-1))
      await check(join(place, 'store'), { promised, what: `cut at note ${moment} of ${notes.length}, ${loss}` }, counts)
      await rm(place, { recursive: true })
    }
  }
  return counts
}

async function check(
  folder: string,
  { promised, what }: { readonly promised: number; readonly what: string },
  counts: CutCounts
): Promise<void> {
  const store = await opened(folder).catch(error => {
    throw new Error(`${what}: it does not open`, { cause: error })
  })
  const { sequence, lost } = store
  const bodies = await store.readShares(Array.from({ length: sequence + 3 }, (_, n) => hashOf(n + 1)))
  await store.close()
  const isThere = bodies.map((body, index) => body !== null && bytesEqual(body, bodyOf(index + 1)))
  const missing = isThere.slice(0, sequence).filter(there => !there).length
  if (sequence < promised) throw new Error(`${what}: delta ${promised} was promised, and it ends at ${sequence}`)
  if (isThere.slice(0, promised).includes(false)) throw new Error(`${what}: something below ${promised} is missing`)
  if (bodies.slice(sequence).some(body => body !== null)) throw new Error(`${what}: there is more than ${sequence}`)
  if (lost.between !== missing) throw new Error(`${what}: ${missing} are missing and ${lost.between} were noticed`)
  if (lost.werePromised) throw new Error(`${what}: it says that a promise was broken`)
  counts.cuts += 1
  counts.gaps += missing > 0 ? 1 : 0
  counts.lostBuffered += lost.newest
}

/** As a start of the node opens it. */
async function opened(folder: string): Promise<LevelStore> {
  try {
    return await openLevelStore(folder, TEST_IDENTITY)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'store-damaged')) throw error
    await repairLevelStore(folder, TEST_IDENTITY)
    return openLevelStore(folder, TEST_IDENTITY)
  }
}
