import { expect, it } from 'vitest'
import { openStage } from '../e2e/stage/stage.ts'
import { confirmedChain, withStoredChain } from '../e2e/stage/stored-chain.ts'
import { prepareChain } from './prepared-chain.ts'
import { metric } from './soak/sample.ts'

const SHARES = 5_000
/** A share costs both ends some three milliseconds of processor time; a computer ten times slower than that is in time too. */
const WITHIN_MS = 180_000

it('a newcomer takes in 5,000 shares of a node that has them, and has every body on disk', async () => {
  const stage = openStage()
  const [oldDir, newDir] = [await stage.folder(), await stage.folder()]
  const prepared = await prepareChain(oldDir, {
    shares: SHARES,
    payees: 20,
    tipTimeSec: Math.floor(Date.now() / 1_000)
  })
  const old = await stage.node({ dataDir: oldDir, args: ['--miners', '0'] }).ready()
  expect((await old.status()).sharechain).toMatchObject({ confirmedHeight: SHARES, confirmedHash: prepared.tip.hash })

  const invite = await old.invite()
  const beganMs = performance.now()
  const joiner = await stage.node({ dataDir: newDir, args: ['--miners', '0', '--join', invite] }).ready()
  await joiner.statusWhen(
    'the tip of the chain',
    WITHIN_MS,
    ({ sharechain }) => sharechain.confirmedHash === prepared.tip.hash
  )
  const tookMs = performance.now() - beganMs
  const metrics = await joiner.text('/metrics')
  console.info(
    `${SHARES} shares in ${(tookMs / 1_000).toFixed(1)} s since the start of the newcomer: ${((SHARES * 1_000) / tookMs).toFixed(0)} a second; ` +
      `${metric(metrics, 'process_cpu_seconds_total').toFixed(1)} s of its processor, ` +
      `${(metric(metrics, 'process_resident_memory_bytes') / 1_048_576).toFixed(0)} MiB`
  )
  expect(metric(metrics, 'p2pool_peer_penalty_points_total')).toBe(0)
  await joiner.statusWhen('nothing missing', 20_000, ({ network }) => network.state === 'current')

  for (const node of [joiner, old]) {
    expect(await node.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(node.log.filter(({ level }) => level === 'error')).toEqual([])
  }
  const heights = await withStoredChain(newDir, 'devnet', async stored => (await confirmedChain(stored)).length)
  expect(heights).toBe(SHARES + 1)
})
