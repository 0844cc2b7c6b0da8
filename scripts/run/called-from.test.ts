import { expect, it } from 'vitest'
import { calledFrom } from './called-from.mjs'

it('paths count from where the user stands: of npm the directory it was called in, else the own', () => {
  const npm = { npm_lifecycle_event: 'start', INIT_CWD: '/home/ann' }
  expect(calledFrom(npm, '/clone', '/clone')).toBe('/home/ann')
  expect(calledFrom({}, '/home/ann', '/clone')).toBe('/home/ann')
  // Within a script of another project.
  expect(calledFrom({ ...npm, INIT_CWD: '/elsewhere' }, '/home/ann', '/clone')).toBe('/home/ann')
  expect(calledFrom({ INIT_CWD: '/elsewhere' }, '/clone', '/clone')).toBe('/clone')
})
