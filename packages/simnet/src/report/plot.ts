/** A line of a plot: points by rising x. */
export interface PlotSeries {
  readonly name: string
  readonly colour: string
  readonly points: readonly { readonly x: number; readonly y: number }[]
}

export interface PlotOptions {
  readonly title: string
  readonly xName: string
  readonly yName: string
  /** Text of an axis mark. */
  readonly xText: (value: number) => string
  readonly yText: (value: number) => string
}

const WIDTH = 720
const HEIGHT = 420
const LEFT = 70
const RIGHT = 20
const TOP = 50
const BOTTOM = 60
const Y_MARKS = 5

/** A small line chart as SVG. The x axis gives each measured value the same room, as latencies double from one to the next. */
export function plot(series: readonly PlotSeries[], options: PlotOptions): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b)
  const highest = niceCeiling(Math.max(0, ...series.flatMap(({ points }) => points.map(({ y }) => y))))
  const xAt = (x: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * (xs.indexOf(x) + 0.5)) / Math.max(1, xs.length)
  const yAt = (y: number): number => HEIGHT - BOTTOM - (y / highest) * (HEIGHT - TOP - BOTTOM)
  const marks = Array.from({ length: Y_MARKS + 1 }, (_, i) => (highest * i) / Y_MARKS)
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(options.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${WIDTH / 2}" y="24" text-anchor="middle" font-size="16">${escaped(options.title)}</text>`,
    ...marks.flatMap(y => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(yAt(y))}" y2="${round(yAt(y))}" stroke="#ddd"/>`,
      `<text x="${LEFT - 8}" y="${round(yAt(y) + 4)}" text-anchor="end">${escaped(options.yText(y))}</text>`
    ]),
    ...xs.map(
      x =>
        `<text x="${round(xAt(x))}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${escaped(options.xText(x))}</text>`
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 12}" text-anchor="middle">${escaped(options.xName)}</text>`,
    `<text transform="translate(18 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escaped(options.yName)}</text>`,
    ...series.flatMap((line, i) => [
      `<polyline fill="none" stroke="${line.colour}" stroke-width="2" points="${line.points.map(({ x, y }) => `${round(xAt(x))},${round(yAt(y))}`).join(' ')}"/>`,
      ...line.points.map(
        ({ x, y }) => `<circle cx="${round(xAt(x))}" cy="${round(yAt(y))}" r="3.5" fill="${line.colour}"/>`
      ),
      `<text x="${LEFT + 14}" y="${TOP + 14 + i * 18}" fill="${line.colour}">${escaped(line.name)}</text>`
    ]),
    '</svg>'
  ]
  return `${parts.join('\n')}\n`
}

/** The next of 1, 2, 5 times a power of ten. */
function niceCeiling(value: number): number {
  let step = 1e-6
  for (;;) {
    for (const factor of [1, 2, 5]) if (step * factor >= value) return step * factor
    step *= 10
  }
}

function round(value: number): string {
  return value.toFixed(1)
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
