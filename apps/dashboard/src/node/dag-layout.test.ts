import { expect, it } from 'vitest'
import { layoutDag, withConfirmed } from './dag-layout.ts'
import type { ChainShare } from './live-node.svelte.ts'

const share = (hash: string, height: number, more: Partial<ChainShare> = {}): ChainShare => ({
  hash,
  height,
  prev: `main${height - 1}`,
  uncles: [],
  address: 'bc1q',
  time: 1_700_000_000 + height,
  difficulty: 1,
  status: 'confirmed',
  isOurs: false,
  ...more
})
const main = (height: number, more: Partial<ChainShare> = {}): ChainShare => share(`main${height}`, height, more)
const places = (shares: readonly ChainShare[], columns = 10): Record<string, string> =>
  Object.fromEntries(
    layoutDag(shares, columns).placed.map(({ share, column, lane }) => [share.hash, `${column}/${lane}`])
  )

it('puts the chain on one line and what is beside it below', () => {
  const shares = [main(3, { uncles: ['uncle2'] }), share('side2', 2, { status: 'valid' }), main(2), main(1)]
  expect(places([...shares, share('uncle2', 2, { status: 'uncle' })])).toEqual({
    main1: '0/0',
    main2: '1/0',
    uncle2: '1/1',
    side2: '1/2',
    main3: '2/0'
  })
})

it('draws a line from each share to the one it builds on and to the uncles it names', () => {
  const { links } = layoutDag([main(3, { uncles: ['uncle2'] }), main(2), share('uncle2', 2, { status: 'uncle' })], 10)
  expect(links.map(({ from, to, kind }) => `${from.share.hash} ${kind} ${to.share.hash}`)).toEqual([
    'main3 prev main2',
    'main3 uncle uncle2'
  ])
})

it('keeps the newest heights, and of each at most five', () => {
  const crowd = Array.from({ length: 9 }, (_, index) => share(`side${index}`, 100, { status: 'valid' }))
  const layout = layoutDag([...Array.from({ length: 101 }, (_, height) => main(height)), ...crowd], 4)
  expect(layout.placed.map(({ share }) => share.height)).toEqual([97, 98, 99, 100, 100, 100, 100, 100])
  expect(layout).toMatchObject({ columns: 4, lanes: 5 })
})

it('shows a share without a chain beside it below the line', () => {
  expect(places([share('alone', 7, { status: 'valid' })])).toEqual({ alone: '0/1' })
  expect(layoutDag([], 10)).toEqual({ placed: [], links: [], columns: 0, lanes: 1 })
})

it('takes in what was confirmed since, and what that names as uncles', () => {
  const asked = [main(1), share('a2', 2, { status: 'candidate' }), share('b2', 2, { status: 'valid' })]
  const merged = withConfirmed(asked, [main(3, { uncles: ['b2', 'never-heard-of'] }), share('a2', 2)])
  expect(merged.map(({ hash, status }) => `${hash} ${status}`)).toEqual([
    'main1 confirmed',
    'a2 confirmed',
    'b2 uncle',
    'main3 confirmed'
  ])
})
