import type { ConnectJson, StatusJson } from '@p2poolv2/api/schema'
import { parseAddress } from '@p2poolv2/bitcoin'
import { bytesToHex } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { regtestAddress } from './stage/addresses.ts'
import { freePort } from './stage/free-port.ts'
import type { NodeProgram } from './stage/node-program.ts'
import { SealedMiner } from './stage/sealed-miner.ts'
import { openStage } from './stage/stage.ts'
import { until } from './stage/until.ts'

/** Shares come every two seconds: agreeing takes a few of them, and chance may take many. */
const AGREE_MS = 150_000
const SEALED = regtestAddress(77)

async function v2Url(node: NodeProgram): Promise<string> {
  const { stratum } = JSON.parse(await node.text('/v1/connect')) as ConnectJson
  return stratum.find(({ protocol }) => protocol === 'v2')?.url ?? ''
}

function scriptOf(address: string): string {
  const parsed = parseAddress(address, 'regtest')
  if (!parsed.ok) throw new Error('an address of regtest')
  return bytesToHex(parsed.script)
}

const pays = (status: StatusJson, address: string): boolean =>
  status.window.some(entry => entry.address === address && entry.payoutSats > 0)

it('two households, one mining by Stratum V1 and one by V2, share a window, and each job pays both', async () => {
  const stage = openStage()
  const [dirA, dirB] = [await stage.folder(), await stage.folder()]
  const a = await stage.node({ dataDir: dirA, args: ['--miners', '1'] }).ready()
  const [join, port] = [await a.invite(), await freePort()]
  const args = ['--miners', '0', '--join', join, '--set', `stratum.v2_port=${port}`]
  const b = await stage.node({ dataDir: dirB, args }).ready()
  const miner = await SealedMiner.start(await v2Url(b), `${SEALED}.shed`, 'extended')
  const standard = await SealedMiner.start(await v2Url(b), `${SEALED}.attic`, 'standard')
  try {
    await until('payouts of both for both', AGREE_MS, async () => {
      const [ofA, ofB] = await Promise.all([a.status(), b.status()])
      const address = ofA.miners[0]?.address ?? ''
      const isShared = [ofA, ofB].every(status => pays(status, SEALED) && pays(status, address))
      // What the miner of V2 hashes pays both, by the bytes of its coinbase.
      const suffix = miner.coinbaseSuffix
      return isShared && suffix.includes(scriptOf(SEALED)) && suffix.includes(scriptOf(address)) ? true : null
    })
    await until('shares of both kinds of channel', AGREE_MS, () =>
      miner.accepted > 0 && standard.accepted > 0 ? true : null
    )
    const status = await b.status()
    expect(new Set(status.miners.map(({ address }) => address))).toEqual(new Set([SEALED]))
    expect(miner.refused.filter(code => code !== 'stale-share' && code !== 'duplicate-share')).toEqual([])
    for (const node of [a, b]) expect(node.complaints.filter(({ level }) => level === 'error')).toEqual([])
  } finally {
    miner.stop()
    standard.stop()
  }
}, 500_000)
