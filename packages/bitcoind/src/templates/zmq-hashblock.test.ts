import { expect, it, onTestFinished } from 'vitest'
import { XPublisher } from 'zeromq'
import { ZmqHashblock } from './zmq-hashblock.ts'

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

it('hears every block, and counts the notices that did not reach it by the numbers bitcoind gives them', async () => {
  const publisher = new XPublisher({ linger: 0 })
  onTestFinished(() => publisher.close())
  await publisher.bind('tcp://127.0.0.1:*')
  const heard: string[] = []
  const missed: number[] = []
  let wake = (): void => {}
  const all = new Promise<void>(resolve => {
    wake = resolve
  })
  const reader = new ZmqHashblock({
    address: publisher.lastEndpoint ?? '',
    onHash: hash => {
      heard.push(hash.slice(0, 2))
      if (heard.length === 5) wake()
    },
    onProblem: message => expect.fail(message),
    onMissed: count => missed.push(count)
  })
  const ended = reader.run()
  onTestFinished(async () => {
    reader.close()
    await ended
  })
  // Its subscription: what is sent from now on reaches it.
  await publisher.receive()
  // The second is a restart of bitcoind, the fourth follows two that were lost.
  for (const [index, sequence] of [7, 0, 1, 4, 5].entries()) {
    await publisher.send(['hashblock', Buffer.alloc(32, index + 1), number(sequence)])
  }
  await all
  expect(heard).toEqual(['01', '02', '03', '04', '05'])
  expect(missed).toEqual([2])
})
