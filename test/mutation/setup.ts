import fc from 'fast-check'
import { beforeEach } from 'vitest'
import { mutantSwitch } from './mutant-switch.ts'
import { readOrder } from './order.ts'
import { showLife } from './process-watch.ts'

const order = readOrder()
const mutants = mutantSwitch()
// One that is on from the first line on may hang before the first test as well.
showLife(order.how === 'alone')
if (order.how === 'alone') {
  const { mutant } = order
  beforeEach(() => {
    showLife(true)
    if (mutant !== null) mutants.on(mutant)
  })
}
// That a property fails is enough: to look for its smallest input takes a hundred times as long.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
