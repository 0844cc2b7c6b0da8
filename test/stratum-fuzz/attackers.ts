// A process of attackers: told its `AttackerSettings` in JSON, then 'attack' and 'rest' in turn. Rests at first. Answers a rest with how many attacks there were.
import { setTimeout as pause } from 'node:timers/promises'
import { seededRng } from '@p2poolv2/primitives'
import { Dice } from '../wire/fuzz/attacks.ts'
import type { AttackerSettings } from './attacker-process.ts'
import { attack, flood } from './attacks.ts'
import { attackV2, dial } from './v2-attacks.ts'

const WITHIN_MS = 3_000
/** Between two of one attacker, so that attacks do not take the processor that is measured. */
const PAUSE_MS = 60

const { port, v2Port, user, seed, attackers, kind } = JSON.parse(process.argv[2] ?? '') as AttackerSettings
const rng = seededRng(seed)
const dice = Array.from({ length: attackers }, (_, n) => new Dice(rng.fork(`attacker ${n}`)))
let attacks = 0
let isOn = false
let working: readonly Promise<void>[] = []

async function work(n: number, own: Dice): Promise<void> {
  while (isOn) {
    if (kind === 'dialers') await dial(v2Port, n, own, WITHIN_MS)
    else if (kind === 'flooders') await flood({ port, user }, own, () => isOn)
    else {
      // Every other one speaks Stratum V2.
      if (n % 2 === 0) await attack({ port, user }, own, WITHIN_MS)
      else await attackV2({ port: v2Port, user }, own, WITHIN_MS)
      await pause(PAUSE_MS)
    }
    attacks += 1
  }
}

process.on('message', (message: 'attack' | 'rest') => {
  isOn = message === 'attack'
  if (isOn) working = dice.map((own, n) => work(n, own))
  else void Promise.all(working).then(() => process.send?.(attacks))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
