import { expect, it } from 'vitest'
import { plot } from './plot.ts'

const OPTIONS = {
  title: 'a < b & "c"',
  xName: 'x',
  yName: 'y',
  xText: (x: number) => `${x} ms`,
  yText: (y: number) => y.toFixed(2)
}

it('draws every point of every series once, higher values higher up', () => {
  const points = [
    { x: 50, y: 0.1 },
    { x: 100, y: 0.4 }
  ]
  const svg = plot([{ name: 'uncles', colour: '#123456', points }], OPTIONS)
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => ({
    x: Number(x),
    y: Number(y)
  }))
  expect(circles).toHaveLength(2)
  expect(circles[1]?.x).toBeGreaterThan(circles[0]?.x ?? 0)
  expect(circles[1]?.y).toBeLessThan(circles[0]?.y ?? 0)
  expect(svg).toContain('50 ms')
  expect(svg).toContain('100 ms')
})

it('escapes what would be markup', () => {
  expect(plot([], OPTIONS)).toContain('a &lt; b &amp; &quot;c&quot;')
})
