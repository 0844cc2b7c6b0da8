import { expect, it } from 'vitest'
import { routeOf } from './route.ts'

it('reads the view and what is looked at in it from the address bar', () => {
  expect(routeOf('#/earnings')).toEqual({ view: 'earnings', detail: null })
  expect(routeOf('#/chain/00ff')).toEqual({ view: 'chain', detail: '00ff' })
})

it('takes anything else for the overview', () => {
  for (const hash of ['', '#', '#/', '#/nowhere', '#main', '#/nowhere/00ff', '#/%E0%A4%A']) {
    expect(routeOf(hash)).toEqual({ view: 'overview', detail: null })
  }
})
