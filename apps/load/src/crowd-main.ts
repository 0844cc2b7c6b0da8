/** The program of one process of miners: it is told what to do by the one that started it, and ends with it. */
import { Crowd } from './crowd.ts'
import type { CrowdSettings, FromCrowd, ToCrowd } from './crowd-contract.ts'

const crowd = new Crowd(JSON.parse(process.argv[2] ?? '') as CrowdSettings, (message: FromCrowd) => {
  process.send?.(message)
})
process.on('message', (message: ToCrowd) => crowd.handle(message))
process.on('disconnect', () => process.exit())
