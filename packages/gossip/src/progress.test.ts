import { steadyMs } from '@p2poolv2/primitives'
import { expect, it } from 'vitest'
import { ShareMeter } from './progress.ts'

const at = (sec: number) => steadyMs(sec * 1_000)

it('tells how many shares are judged, how fast since the first, and how long the rest takes', () => {
  const meter = new ShareMeter()
  expect(meter.read({ confirmed: 10, candidate: 10 }, at(0))).toBeNull()
  meter.moved(10, at(1))
  // Headers come for a while.
  meter.moved(10, at(20))
  expect(meter.read({ confirmed: 10, candidate: 500 }, at(20))).toEqual({
    phase: 'checking',
    doneHeights: 10,
    totalHeights: 500,
    heightsPerSec: null,
    secondsLeft: null
  })
  meter.moved(11, at(21))
  meter.moved(111, at(26))
  expect(meter.read({ confirmed: 110, candidate: 1_010 }, at(26))).toMatchObject({
    doneHeights: 110,
    totalHeights: 1_010,
    heightsPerSec: 20,
    secondsLeft: 45
  })
})

it('begins anew when the chain has lost its end, and ends when nothing is missing', () => {
  const meter = new ShareMeter()
  meter.moved(100, at(1))
  meter.moved(200, at(5))
  meter.moved(50, at(9))
  expect(meter.read({ confirmed: 50, candidate: 90 }, at(19))?.heightsPerSec).toBeNull()
  meter.moved(60, at(20))
  meter.moved(70, at(30))
  expect(meter.read({ confirmed: 70, candidate: 90 }, at(30))).toMatchObject({ heightsPerSec: 2, secondsLeft: 10 })
  meter.moved(null, at(31))
  expect(meter.read({ confirmed: 90, candidate: 90 }, at(31))).toBeNull()
})
