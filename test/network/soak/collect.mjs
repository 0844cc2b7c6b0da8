// Loaded into a node that is watched: on SIGUSR2 it collects garbage, so that what it holds can be told from what it has not cleared yet.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => collect())
