// A process of attackers: `attackers.ts PORT USER SEED COUNT V2_PORT`, until it is told to end. Says how many attacks there were.
import { setTimeout as pause } from 'node:timers/promises'
import { seededRng } from '@p2poolv2/primitives'
import { Dice } from '../wire/fuzz/attacks.ts'
import { attack } from './attacks.ts'
import { attackV2 } from './v2-attacks.ts'

const WITHIN_MS = 3_000
/** Between two of one attacker, so that attacks do not take the processor that is measured. */
const PAUSE_MS = 60

const [port, user = '', seed = '', count, v2Port] = process.argv.slice(2)
const rng = seededRng(seed)
let attacks = 0
let isOver = false
process.on('message', () => {
  isOver = true
})
process.on('disconnect', () => process.exit())

await Promise.all(
  Array.from({ length: Number(count) }, async (_, n) => {
    const dice = new Dice(rng.fork(`attacker ${n}`))
    while (!isOver) {
      // Every other one speaks Stratum V2.
      if (n % 2 === 0) await attack({ port: Number(port), user }, dice, WITHIN_MS)
      else await attackV2({ port: Number(v2Port), user }, dice, WITHIN_MS)
      attacks += 1
      await pause(PAUSE_MS)
    }
  })
)
process.send?.({ attacks })
process.disconnect()
