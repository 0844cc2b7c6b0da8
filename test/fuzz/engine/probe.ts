import { Coverage } from './coverage.ts'

/** Of this process; to be imported before the sources that are looked at, which call it from their first line on. */
export const COVERAGE: Coverage = new Coverage().install()
