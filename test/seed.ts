import fc from 'fast-check'

/**
 * Properties draw from one seed, so that a run of the tests says the same thing twice. `TEST_SEED=random`, or a number, draws others:
 * what fails then is a fault found, and its smallest input becomes a test.
 */
const { TEST_SEED = '20261128' } = process.env
if (TEST_SEED !== 'random') fc.configureGlobal({ seed: Number(TEST_SEED) })
