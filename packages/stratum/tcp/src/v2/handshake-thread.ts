/** The program of the thread that answers handshakes, so that the one that serves miners never waits for a curve. */
import { getPriority, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { HandshakeAnswerer, type HandshakeOrder } from './handshake-answer.ts'

const port = parentPort
if (port === null) throw new Error('handshake-thread.js runs as a worker thread only')

/** A third of the weight of the thread that serves miners: with less, miners that come back would wait long on a computer that is busy with other things. */
const NICER_BY = 5
const NICEST = 19

// Where cores are few, whoever mines comes before whoever knocks. On Linux this is the thread's alone, elsewhere the process's.
if (process.platform === 'linux') setPriority(Math.min(NICEST, getPriority() + NICER_BY))

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
