import fc from 'fast-check'
import { mutantSwitch } from './mutant-switch.ts'
import { showLife } from './process-watch.ts'

showLife(false)
mutantSwitch()
// That a property fails is enough: to look for its smallest input takes a hundred times as long.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
