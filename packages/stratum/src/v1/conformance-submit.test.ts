import { describe } from 'vitest'
import { conform } from '../testing/conform.ts'
import { SUBMIT } from '../testing/conformance/submit.ts'

describe('conformance of submit', () => conform('E', SUBMIT))
