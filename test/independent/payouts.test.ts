import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { exportChain } from './export-chain.ts'
import { findPython, type Recomputed, recompute } from './python.ts'

const SHARES = 1_200
const PROVE_EVERY = 10

let python: Awaited<ReturnType<typeof findPython>> = { command: null, missing: 'not looked for yet' }
let lines: readonly string[] = []
beforeAll(async () => {
  python = await findPython()
  if (python.command !== null) lines = [...exportChain({ seed: 'npm test', shares: SHARES })]
})

async function look(command: string, text: string): Promise<Recomputed> {
  const folder = await mkdtemp(join(tmpdir(), 'p2poolv2-independent-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'chain.jsonl'), text)
  return recompute(command, join(folder, 'chain.jsonl'), PROVE_EVERY)
}

describe('payouts computed by another program in another language', () => {
  it('are ours to the satoshi, for every share and every answer of a random chain', async ctx => {
    if (python.command === null) return ctx.skip(python.missing)
    const { counts, complaint } = await look(python.command, lines.join('\n'))
    expect(complaint).toBe('')
    expect(counts).toMatchObject({ shares: SHARES, coinbases: SHARES, answers: SHARES / 50 })
    // The chain has what it is about.
    for (const what of ['uncles', 'reorganisations', 'crossed', 'capped', 'genesisReached', 'proofs']) {
      expect(Number(counts?.[what]), what).toBeGreaterThan(1)
    }
  })

  it('differ when a single satoshi of an answer goes to another', async ctx => {
    if (python.command === null) return ctx.skip(python.missing)
    const changed = [...lines]
    const at = changed.findLastIndex(line => line.includes('"outputs"'))
    const entry = JSON.parse(changed[at] ?? '') as { answer: { outputs: [string, string][] } }
    const [first, second] = entry.answer.outputs
    if (first === undefined || second === undefined) throw new Error('the last answer pays two')
    first[0] = String(BigInt(first[0]) + 1n)
    second[0] = String(BigInt(second[0]) - 1n)
    changed[at] = JSON.stringify(entry)
    const { code, complaint } = await look(python.command, changed.join('\n'))
    expect(code).toBe(1)
    expect(complaint).toContain(`line ${at + 1}: the node would pay`)
  })

  it('differ when a share is left out', async ctx => {
    if (python.command === null) return ctx.skip(python.missing)
    const { code, complaint } = await look(python.command, lines.toSpliced(300, 1).join('\n'))
    expect(code).toBe(1)
    expect(complaint).toMatch(/^line \d+: /)
  })
})
