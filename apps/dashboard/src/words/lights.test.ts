import { expect, it } from 'vitest'
import { type Check, lightsOf } from './lights.ts'

const check = (id: string, group: Check['group'], state: Check['state']): Check => ({
  id,
  group,
  state,
  title: id,
  message: `${id} is ${state}`,
  fix: null,
  cost: null
})

it('a light has the state of its worst check, and lists what is not well with the worst first', () => {
  const lights = lightsOf({
    time: 0,
    state: 'fail',
    checks: [check('zmq', 'bitcoin', 'warn'), check('rpc', 'bitcoin', 'fail'), check('tip', 'bitcoin', 'ok')]
  })
  expect(lights[0]).toMatchObject({ name: 'Bitcoin node', state: 'fail' })
  expect(lights[0]?.concerns.map(({ id }) => id)).toEqual(['rpc', 'zmq'])
})

it('what is merely worth knowing, or could not be looked at, lights nothing up', () => {
  const lights = lightsOf({
    time: 0,
    state: 'ok',
    checks: [check('reach', 'peers', 'info'), check('disk', 'computer', 'unknown')]
  })
  // And what is not looked at at all has no light: it could not turn red.
  expect(lights.map(({ group, state }) => [group, state])).toEqual([
    ['peers', 'ok'],
    ['computer', 'ok']
  ])
  expect(lights.flatMap(({ concerns }) => concerns)).toEqual([])
})

it('two checks that say the same are one trouble, and both among the checks', () => {
  const away = { ...check('bitcoind', 'bitcoin', 'fail'), message: 'It cannot be reached.' }
  const [light] = lightsOf({ time: 0, state: 'fail', checks: [away, { ...away, id: 'bitcoin-rpc' }] })
  expect(light?.concerns.map(({ id }) => id)).toEqual(['bitcoind'])
  expect(light?.checks).toHaveLength(2)
})
