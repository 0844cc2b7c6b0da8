import { SCENARIOS, troubleOf, WorldBroken, WorldFailed } from '@p2poolv2/simnet'

const SCENARIO = 'trouble'

/** What became of one seed. */
export interface SeedResult {
  readonly seed: number
  /** Of all that happened; null for a run that did not come to its end. */
  readonly digest: string | null
  /** What did not hold; empty if all did. */
  readonly broken: readonly string[]
  /** How often each kind of trouble came about. */
  readonly struck: Readonly<Record<string, number>>
}

/** Plays one seed in the size that it has among many. */
export function playSeed(seed: number): SeedResult {
  const scenario = SCENARIOS.get(SCENARIO)
  if (scenario === undefined) throw new RangeError(`there is no scenario ${SCENARIO}`)
  try {
    const { digest, findings, struck } = scenario.run(troubleOf(seed))
    const broken = findings.filter(({ holds }) => !holds).map(({ claim, measured }) => `not so: ${claim} (${measured})`)
    return { seed, digest, broken, struck }
  } catch (error) {
    // Whatever a run throws is a break: of a rule, or of the program.
    const isRule = error instanceof WorldFailed || error instanceof WorldBroken
    const what = error instanceof Error ? (isRule ? error.message : (error.stack ?? error.message)) : String(error)
    return { seed, digest: null, broken: [what], struck: {} }
  }
}

/** The command that plays a seed again. */
export function replayCommand(seed: number): string {
  const { nodes, hours } = troubleOf(seed)
  return `npm run sim -- ${SCENARIO} --nodes ${nodes} --hours ${hours} --seed ${seed}`
}

/** The other side of `SeedWorkers`: plays the seeds that the parent process sends, one after the other. */
export function playForParent(): void {
  process.on('message', seed => process.send?.(playSeed(seed as number)))
}
