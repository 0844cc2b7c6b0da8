/** A process of the server that judges nothing: serves the connections it is given until it is let go. */
import type { Socket } from 'node:net'
import { ZmqHashblock } from '@p2poolv2/bitcoind'
import { FloorServer } from './floor.ts'

const server = new FloorServer()
const [, , zmq] = process.argv
if (zmq !== undefined) {
  const onProblem = (message: string): void => void process.stderr.write(`${message}\n`)
  void new ZmqHashblock({ address: zmq, onHash: hash => server.newBlock(hash), onProblem }).run()
}
process.on('message', (_, socket?: Socket) => {
  // Undefined: it hung up on its way here.
  if (socket !== undefined) server.take(socket)
})
process.on('disconnect', () => process.exit())
