import { hashrateText, satsText } from '@p2poolv2/earnings/words'

/** A number with its unit set apart, for large figures. */
export interface Figure {
  readonly amount: string
  readonly unit: string
}

/** "1.21" and "TH/s". */
export function hashrateFigure(hps: number): Figure {
  const [amount = '', unit = ''] = hashrateText(hps).split(' ')
  return { amount, unit }
}

/** "1,234". */
export function countText(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',')
}

/** "1 peer", "3 peers". */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`
}

const STEPS = ['', ' k', ' M', ' G', ' T', ' P', ' E'] as const

/** A sum to the satoshi, the unit apart. Every amount on the page is in sats: nobody has to count noughts to compare two. */
export function satsFigure(sats: number): Figure {
  const [amount = '', unit = ''] = satsText(sats).split(' ')
  return { amount, unit }
}

/** An average, which is no sum that will be paid: three digits that count. */
export function aboutSatsFigure(sats: number): Figure {
  if (sats > 0 && sats < 1) return { amount: 'under 1', unit: 'sat' }
  return satsFigure(Number(sats.toPrecision(3)))
}

/** A difficulty: three digits and its thousands, "0.00025", "1.21 M". */
export function difficultyText(difficulty: number): string {
  if (difficulty === 0) return '0'
  let [value, step] = [difficulty, 0]
  for (; value >= 999.5 && step < STEPS.length - 1; step++) value /= 1000
  if (value < 1e-6) return value.toExponential(1)
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}${STEPS[step]}`
}

/** Bytes, decimal. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** "34.2 %" of what the API gives in percent. */
export function percentOfHundred(percent: number): string {
  if (percent > 0 && percent < 0.01) return 'under 0.01 %'
  return `${percent >= 99.995 ? '100' : percent.toFixed(percent < 10 ? 2 : 1)} %`
}
