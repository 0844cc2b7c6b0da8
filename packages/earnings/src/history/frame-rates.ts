/** Hash rates out of the history, with the interval their number of submits allows. */
import { type Finds, type MeasuredHashrate, measuredHashrate } from '../chance/measured-rate.ts'
import { emptyFrame, type Frame, withPart } from './frame.ts'

/**
 * The household's rate over some stretches: their work divided by the time observed in them. Workers find at different difficulties, so
 * each is a source of its own; those the history did not keep apart are one more together.
 * @param frames of one level, each once
 * @returns null where nothing was observed
 */
export function householdHashrate(frames: readonly Frame[]): MeasuredHashrate | null {
  const whole = sumOf(frames)
  if (whole === null) return null
  const apart = [...whole.workers.values()].map(({ accepted, workHashes }): Finds => ({ count: accepted, workHashes }))
  const rest: Finds = {
    count: whole.household.accepted - apart.reduce((sum, { count }) => sum + count, 0),
    // Sums of doubles in another order: what is left of them below a millionth is no work.
    workHashes: aboveNoise(
      whole.household.workHashes,
      apart.reduce((sum, { workHashes }) => sum + workHashes, 0)
    )
  }
  return measuredHashrate([...apart, rest], whole.observedMs / 1000)
}

/**
 * The rate of some workers together over some stretches, whether they were connected or not.
 * @returns null where nothing was observed
 */
export function workersHashrate(frames: readonly Frame[], seriesIds: readonly number[]): MeasuredHashrate | null {
  const whole = sumOf(frames)
  if (whole === null) return null
  const finds = seriesIds.flatMap((id): Finds[] => {
    const worker = whole.workers.get(id)
    return worker === undefined ? [] : [{ count: worker.accepted, workHashes: worker.workHashes }]
  })
  return measuredHashrate(finds, whole.observedMs / 1000)
}

/** One worker's rate. @returns null where nothing was observed */
export function workerHashrate(frames: readonly Frame[], seriesId: number): MeasuredHashrate | null {
  return workersHashrate(frames, [seriesId])
}

function sumOf(frames: readonly Frame[]): Frame | null {
  const [first] = frames
  if (first === undefined) return null
  const whole = frames.reduce(withPart, emptyFrame(first.level, first.startSec))
  return whole.observedMs === 0 ? null : whole
}

function aboveNoise(whole: number, part: number): number {
  return whole - part > whole * 1e-6 ? whole - part : 0
}
