const HALF_HOUR_SEC = 1_800

/**
 * What a chart shows of time: from its first point to its last, and of one point alone the hour around it. uPlot by
 * itself gives a single point a thousand days.
 *
 * @param timesSec unix seconds, rising; none: the half hours around `low`
 */
export function chartSpanSec(timesSec: ArrayLike<number>, low: number, high: number): [number, number] {
  if (timesSec.length > 1 && low < high) return [low, high]
  const only = timesSec[0] ?? low
  return [only - HALF_HOUR_SEC, only + HALF_HOUR_SEC]
}
