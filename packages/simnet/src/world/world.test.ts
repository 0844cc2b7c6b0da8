import { expect, it } from 'vitest'
import { payoutAddress } from './identities.ts'
import { World } from './world.ts'

function lonelyWorld(seed: number): World {
  const world = new World({ seed })
  const user = payoutAddress(world.params, world.rng.fork('miner'))
  world.addNode({ miners: [{ user, hashrateHps: world.totalHashrate }] }).start()
  return world
}

it('one node mines alone: shares at the spacing, blocks among them, every share paid', () => {
  const world = lonelyWorld(1)
  world.runUntil(3_600_000)
  const { census } = world
  const { chain, lines } = world.node(0)
  expect(census.produced.size).toBeGreaterThan(300)
  expect(census.produced.size).toBeLessThan(430)
  // Two finds within the time that new work takes to reach the miner are one share and an uncle.
  expect(chain.confirmedTip().height + chain.uncleCount).toBeGreaterThanOrEqual(census.produced.size - 1)
  expect(census.foundBlocks.size).toBeGreaterThan(3)
  expect(lines[0]?.miner.refusals.size).toBe(0)
})

it('what was committed is there again after a crash, and the miner comes back', () => {
  const world = lonelyWorld(2)
  world.runUntil(600_000)
  const node = world.node(0)
  const { height, hash } = node.chain.confirmedTip()
  world.runUntil(world.elapsedMs + 100)
  node.crash()
  expect(node.isUp).toBe(false)
  world.runUntil(world.elapsedMs + 60_000)
  node.start()
  expect(node.chain.confirmedHashAt(height)).toBe(hash)
  world.runUntil(world.elapsedMs + 600_000)
  expect(node.chain.confirmedTip().height).toBeGreaterThan(height + 20)
})

it('a clock that is ahead moves the deadlines of its node', () => {
  const world = lonelyWorld(3)
  world.runUntil(60_000)
  const node = world.node(0)
  node.setSkew(100_000)
  expect(node.nowMs - world.clock.nowMs).toBe(100_000)
  world.runUntil(660_000)
  expect(node.chain.confirmedTip().timeSec * 1_000).toBeGreaterThan(world.clock.nowMs)
})
