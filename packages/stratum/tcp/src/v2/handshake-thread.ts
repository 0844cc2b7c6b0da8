/** The program of the thread that answers handshakes, so that the one that serves miners never waits for a curve. */
import { parentPort } from 'node:worker_threads'
import { HandshakeAnswerer, type HandshakeOrder } from './handshake-answer.ts'

const port = parentPort
if (port === null) throw new Error('handshake-thread.js runs as a worker thread only')

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
