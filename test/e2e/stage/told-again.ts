import { createLog, systemClock } from '@p2poolv2/runtime'
import { type MinerSession, StratumV1 } from '@p2poolv2/stratum'
import { StratumServer } from '@p2poolv2/stratum/tcp'
import type { Transcript, TranscriptStep } from '../../../packages/stratum/src/testing/session-rig.ts'
import { TestClient } from '../../../packages/stratum/tcp/src/testing/test-client.ts'

/** What came of a step over TCP, and what the session alone had said. */
export interface ToldStep {
  readonly said: string
  readonly expected: string
}

/**
 * Tells a new session, behind real sockets, all that another one was told: lines of the miner go in as bytes by a connection,
 * everything else at its door. The session's clock is that of the transcript.
 * @returns what the miner's end read in each step, and whether it was closed at the end
 */
export async function toldOverTcp({ options, deps, steps }: Transcript): Promise<{
  readonly steps: readonly ToldStep[]
  readonly isClosed: boolean
}> {
  const session: MinerSession = new StratumV1().open(options, deps)
  let step: TranscriptStep | null = null
  let taken = 0
  let wake = (): void => {}
  let isClosing = false
  const tell = (...events: TranscriptStep['events']): void => {
    if (step === null) throw new Error('lines came between two steps')
    for (const event of events) {
      for (const effect of session.handle(event, step.now)) {
        if (effect.type === 'send') server.send(1, effect.output)
        else if (effect.type === 'close') {
          isClosing = true
          server.close(1, effect.reason)
        }
      }
    }
  }
  const server = new StratumServer(
    { host: '127.0.0.1', port: 0 },
    {
      onConnected: () => {},
      onLines: (_miner, messages) => {
        tell({ type: 'received', messages })
        taken += messages.length
        wake()
      },
      onGone: () => wake(),
      log: createLog({ level: 'error', format: 'json', sink: { write: () => {} } }),
      clock: systemClock()
    }
  )
  const client = await TestClient.connect(await server.listen())
  const told: ToldStep[] = []
  try {
    for (step of steps) {
      const [first, ...answers] = step.events
      if (first?.type === 'received') {
        const wanted = taken + linesIn(first.messages)
        client.write(bytesOf(first.messages))
        while (taken < wanted && !client.socket.closed) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
        }
        tell(...answers)
      } else tell(...step.events)
      const said = await client.readText(step.text.length)
      told.push({ said, expected: step.text })
    }
    if (isClosing) await client.ended()
    return { steps: told, isClosed: client.socket.closed }
  } finally {
    client.socket.destroy()
    await server.stop()
  }
}

/** Blank lines are not handed over. */
function linesIn(messages: readonly Uint8Array[]): number {
  return messages.filter(message => message.some(byte => byte > 0x20)).length
}

function bytesOf(messages: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(messages.flatMap(message => [message, Uint8Array.of(0x0a)]))
}
