/** The program of the thread that answers handshakes, so that the one that serves miners never waits for a curve. */
import { constants, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { HandshakeAnswerer, type HandshakeOrder } from './handshake-answer.ts'

const port = parentPort
if (port === null) throw new Error('handshake-thread.js runs as a worker thread only')

// Where cores are few, whoever mines comes before whoever knocks. On Linux this is the thread's alone, elsewhere the process's.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL)

const answerer = new HandshakeAnswerer()
let isPreparing = false

const prepare = (): void => {
  isPreparing = answerer.prepare()
  if (isPreparing) setImmediate(prepare)
}

port.on('message', (order: HandshakeOrder) => {
  port.postMessage(answerer.answer(order))
  if (!isPreparing) {
    isPreparing = true
    setImmediate(prepare)
  }
})
prepare()
