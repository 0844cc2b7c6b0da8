import { ROUTES } from '@p2poolv2/api/schema'
import { expect, it } from 'vitest'
import { complaint } from './complaint.ts'

it.each([
  [ROUTES.shares.query, { heights: 'x' }, 'heights: give a whole number from 1 to 200'],
  [ROUTES.shares.query, { heights: '201' }, 'heights: give a whole number from 1 to 200'],
  [ROUTES.shares.query, { heigths: '1' }, 'there is no parameter heigths; there are: to, heights'],
  [ROUTES.earnings.query, { hashrate: '-3' }, 'hashrate: give a number from 0'],
  [ROUTES.history.query, { range: '2d' }, 'range: give one of 1h, 6h, 24h, 7d, 30d, 1y, all'],
  [ROUTES.audit.params, { id: 'x' }, 'id: give a bitcoin height, the hash of a block or of a share, or: job']
])('says what to give instead', (schema, value, said) => {
  const parsed = schema.safeParse(value)
  if (parsed.success) throw new Error('it was taken')
  expect(complaint(parsed.error, schema)).toContain(said)
  expect(complaint(parsed.error, schema)).not.toMatch(/Invalid|expected|received/)
})
