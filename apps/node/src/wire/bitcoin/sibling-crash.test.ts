import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockLife, type BlockStep, BlockWorld, TEARS } from '../../../../../test/faults/block-lives.ts'

/** Of a parent and a life on record without having been handed over: the first, two that gave way, and what a crash left on disk. */
const ROWS_OF_A_LIFE = 6

/** Plays the steps, lets all end well, and holds what is there against what may be. @returns writes that crashes tore */
async function play(steps: readonly BlockStep[]): Promise<number> {
  const world = await BlockWorld.make()
  let torn = 0
  try {
    let life = await BlockLife.begin(world)
    for (const step of steps) {
      if (step.type === 'crash') torn += await life.crash(step.tear)
      else if (step.type === 'stop') await life.stop()
      else await life.step(step)
      if (step.type === 'crash' || step.type === 'stop') life = await BlockLife.begin(world)
    }
    await life.finish()
    check(world)
    await life.crash('nothing')
    life = await BlockLife.begin(world)
    await life.finish()
    check(world)
    await life.crash('nothing')
    return torn
  } finally {
    await world.end()
  }
}

function check(world: BlockWorld): void {
  const blocks = world.blocks()
  const records = new Map(blocks.map(({ blockHash, result }) => [blockHash, result]))
  const inChain = new Set(world.nodes.flatMap(({ chain }) => [...chain.values()]))
  // What dies before the disk has anything of it comes back with its share, which is another story (docs/decisions/0030).
  for (const hash of inChain)
    if (world.kept.has(hash))
      expect(records.get(hash), `the record of ${hash}, which is in a chain`).toMatch(/^(accepted|duplicate)/)
  for (const { blockHash, result } of blocks) {
    if (inChain.has(blockHash)) continue
    const loses = world.kept.has(blockHash)
      ? /^(superseded|rejected|lost-race)/
      : /^(superseded|rejected|lost-race|submitted)/
    expect(result, `the record of ${blockHash}`).toMatch(loses)
  }
  for (const parent of new Set(world.parents.values())) {
    const isOf = (hash: string) => [...world.parents].some(([known, of]) => known === hash && of === parent)
    const handed = [...world.handed].filter(isOf).length
    expect(blocks.filter(({ blockHash }) => isOf(blockHash)).length).toBeLessThanOrEqual(
      handed + ROWS_OF_A_LIFE * world.lives
    )
  }
  const isAnswered = (parent: string) =>
    world.nodes.every(
      ({ chain, refused }) => chain.has(parent) || [...refused].some(hash => world.parents.get(hash) === parent)
    )
  for (const hash of world.kept)
    expect(isAnswered(world.parents.get(hash) ?? ''), `each node has one beside ${hash}`).toBe(true)
  const hexes = world.files().filter(name => name.endsWith('.hex'))
  expect(world.files().filter(name => name.endsWith('.open'))).toEqual([])
  expect(hexes.length).toBeLessThanOrEqual(world.handed.size + world.lives)
}

const at = (node: 0 | 1, ...types: readonly ('look' | 'refuse' | 'answer')[]): readonly BlockStep[] =>
  types.map(type => ({ type, node }))
const all = (
  ...types: readonly ('find' | 'flood' | 'next parent' | 'write' | 'commit' | 'stop')[]
): readonly BlockStep[] => types.map(type => ({ type }))
const node = fc.constantFrom(0 as const, 1 as const)
/** Some of them several steps that seldom come together by chance. */
const steps: fc.Arbitrary<readonly BlockStep[]> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(all('find'), all('flood')) },
  { weight: 1, arbitrary: fc.constantFrom(all('next parent'), all('stop')) },
  { weight: 6, arbitrary: fc.constantFrom(all('write'), all('commit')) },
  { weight: 3, arbitrary: fc.tuple(node, fc.constantFrom('look', 'refuse', 'answer')).map(([n, type]) => at(n, type)) },
  { weight: 3, arbitrary: fc.tuple(node, fc.constantFrom('look', 'refuse')).map(([n, type]) => at(n, type, 'answer')) },
  { weight: 1, arbitrary: fc.constant([...at(0, 'refuse', 'answer'), ...at(1, 'refuse', 'answer')]) },
  { weight: 2, arbitrary: fc.constantFrom(...TEARS).map((tear): readonly BlockStep[] => [{ type: 'crash', tear }]) }
)

/** Each of these is cut behind every step, in every way that a crash can leave the disk. */
const STORIES: Readonly<Record<string, readonly BlockStep[]>> = {
  'one found while bitcoind is away, and then taken': [
    ...all('find', 'write', 'commit'),
    ...at(0, 'look', 'answer'),
    ...all('commit'),
    ...at(1, 'look', 'answer'),
    ...all('write', 'commit')
  ],
  'a flood while bitcoind is away, of which the first is taken': [
    ...all('flood', 'write', 'flood', 'write', 'commit', 'write'),
    ...at(0, 'look', 'answer'),
    ...all('write', 'commit', 'flood', 'write'),
    ...at(1, 'look', 'answer'),
    ...all('write', 'write', 'commit')
  ],
  'a second found while the first is under way, which goes when that is refused': [
    ...all('find', 'write', 'find', 'commit', 'write'),
    ...at(0, 'refuse', 'answer'),
    ...at(1, 'refuse', 'answer'),
    ...all('commit', 'write'),
    ...at(0, 'look', 'answer'),
    ...all('flood', 'commit'),
    ...at(1, 'look', 'answer'),
    ...all('write', 'flood', 'commit', 'write')
  ],
  'a flood of which the first is refused by all while the newest is not written yet': [
    ...all('find', 'write', 'find', 'write', 'flood', 'commit'),
    ...at(0, 'refuse', 'answer'),
    ...at(1, 'refuse', 'answer'),
    ...all('write', 'write', 'commit', 'write'),
    ...at(0, 'look', 'answer'),
    ...all('write', 'commit', 'write')
  ],
  'the first refused by one bitcoin node and taken by the other, after the second was': [
    ...all('find', 'find', 'write', 'write', 'commit'),
    ...at(0, 'refuse', 'answer', 'look', 'answer'),
    ...at(1, 'look', 'answer', 'look', 'answer'),
    ...all('commit', 'write', 'write')
  ]
}

describe('blocks of ours on one parent, over crashes', () => {
  it.each(Object.entries(STORIES))('%s', async (_, story) => {
    await play(story)
    for (const [step] of story.entries())
      await play([...story.slice(0, step + 1), { type: 'stop' }, ...story.slice(step + 1)])
    const cuts = story.map(async (_, step) => {
      for (const tear of TEARS) {
        const steps: BlockStep[] = [...story.slice(0, step + 1), { type: 'crash', tear }, ...story.slice(step + 1)]
        const torn = await play(steps).catch(cause => {
          throw new Error(`a crash behind step ${step} that leaves ${tear}: ${(cause as Error).message}`, { cause })
        })
        if (torn === 0) break
      }
    })
    await Promise.all(cuts)
  })

  it('whatever happens, one is on a bitcoin node or all were refused, and the record says what became of them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 30 }), async parts => void (await play(parts.flat()))),
      { numRuns: 60 }
    )
  })
})
