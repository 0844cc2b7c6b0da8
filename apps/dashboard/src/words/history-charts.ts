import type { HistoryJson } from '@p2poolv2/api/schema'
import { hashrateText } from '@p2poolv2/earnings/words'
import { countText, difficultyText } from './figures.ts'

type Series = keyof HistoryJson['series']

/** One chart of what the node keeps: which columns, in which colours, and how a value is written. */
export interface HistoryChart {
  readonly title: string
  readonly lines: readonly {
    readonly series: Series
    readonly label: string
    readonly colour: string
    readonly filled?: boolean
    readonly dashed?: boolean
  }[]
  readonly text: (value: number) => string
}

export const CHARTS = {
  hashrate: {
    title: 'Hash rate',
    lines: [
      { series: 'hashrate', label: 'Yours', colour: '--accent', filled: true },
      { series: 'poolHashrate', label: 'Pool', colour: '--line-strong', dashed: true }
    ],
    text: hashrateText
  },
  ownHashrate: {
    title: 'Your hash rate alone',
    lines: [{ series: 'hashrate', label: 'Yours', colour: '--accent', filled: true }],
    text: hashrateText
  },
  submits: {
    title: 'Submits',
    lines: [
      { series: 'accepted', label: 'Accepted', colour: '--accent', filled: true },
      { series: 'rejected', label: 'Rejected', colour: '--bad', dashed: true }
    ],
    text: countText
  },
  best: {
    title: 'Best difficulty',
    lines: [{ series: 'bestDifficulty', label: 'Record set', colour: '--accent', filled: true }],
    text: difficultyText
  },
  shareDifficulty: {
    title: 'Difficulty of a share',
    lines: [{ series: 'shareDifficulty', label: 'A share', colour: '--accent' }],
    text: difficultyText
  },
  bitcoinDifficulty: {
    title: 'Difficulty of a block',
    lines: [{ series: 'bitcoinDifficulty', label: 'A bitcoin block', colour: '--accent' }],
    text: difficultyText
  },
  peers: {
    title: 'Peers',
    lines: [{ series: 'peers', label: 'Connected peers', colour: '--accent', filled: true }],
    text: value => String(Math.round(value * 10) / 10)
  }
} as const satisfies Readonly<Record<string, HistoryChart>>

export type ChartName = keyof typeof CHARTS
