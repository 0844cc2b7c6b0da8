import { describe } from 'vitest'
import { conform } from '../testing/conform.ts'
import { DIFFICULTY, NOTIFY } from '../testing/conformance/work.ts'

describe('conformance of difficulty messages', () => conform('C', DIFFICULTY))
describe('conformance of notify', () => conform('D', NOTIFY))
