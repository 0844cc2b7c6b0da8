import type { StatusJson } from '@p2poolv2/api/schema'
import { expect, it } from 'vitest'
import type { NodeProgram } from './stage/node-program.ts'
import { openStage, type Stage } from './stage/stage.ts'
import { until } from './stage/until.ts'

/** Shares come every two seconds: agreeing takes a few of them, and chance may take many. */
const AGREE_MS = 90_000

function addressesOf(status: StatusJson): Set<string> {
  return new Set(status.miners.map(({ address }) => address))
}

/** Until both show one tip, and what each would pay now includes the other's miners. */
async function agreed(a: NodeProgram, b: NodeProgram): Promise<void> {
  await until('one tip, and payouts of both for both', AGREE_MS, async () => {
    const [ofA, ofB] = await Promise.all([a.status(), b.status()])
    const isPaid = (in_: StatusJson, by: StatusJson): boolean =>
      [...addressesOf(by)].every(address => in_.window.some(entry => entry.address === address && entry.payoutSats > 0))
    const isOneTip = ofA.sharechain.confirmedHash === ofB.sharechain.confirmedHash
    return isOneTip && isPaid(ofA, ofB) && isPaid(ofB, ofA) ? true : null
  })
}

async function household(stage: Stage, dataDir: string, args: readonly string[]): Promise<NodeProgram> {
  return stage.node({ dataDir, args: ['--miners', '1', ...args] }).ready()
}

it('two households share one chain with one string, and find each other again after a restart of either', async () => {
  const stage = openStage()
  const [dirA, dirB] = [await stage.folder(), await stage.folder()]
  let a = await household(stage, dirA, [])
  let b = await household(stage, dirB, ['--join', await a.invite()])
  await agreed(a, b)
  const [portA, portB] = [await a.p2pPort(), await b.p2pPort()]
  const bitcoin = async (node: NodeProgram): Promise<number> => (await node.status()).bitcoind.height ?? 0
  await until('one bitcoin chain', AGREE_MS, async () => ((await bitcoin(a)) === (await bitcoin(b)) ? true : null))

  expect(await a.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  await b.statusWhen('nobody there', AGREE_MS, status => status.network.state === 'alone')
  a = await household(stage, dirA, ['--p2p-port', portA])
  await agreed(a, b)

  await b.stop('SIGKILL')
  b = await household(stage, dirB, ['--p2p-port', portB])
  await agreed(a, b)
  expect(a.complaints.filter(({ level }) => level === 'error')).toEqual([])
  expect(b.complaints.filter(({ level }) => level === 'error')).toEqual([])
}, 500_000)
