import { describe } from 'vitest'
import { conform } from '../testing/conform.ts'
import { FRAMING, LOGIN } from '../testing/conformance/login.ts'

describe('conformance of framing', () => conform('A', FRAMING))
describe('conformance of subscribe, configure and authorize', () => conform('B', LOGIN))
