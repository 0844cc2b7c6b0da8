import {
  type AlertsJson,
  type AlertTestJson,
  alertsSchema,
  alertTestSchema,
  type SetupAnswers,
  type SetupCheckJson,
  type SetupDoneJson,
  type SetupJson,
  setupCheckSchema,
  setupDoneSchema,
  setupSchema
} from '@p2poolv2/api/schema'
import type { FastifyInstance } from 'fastify'
import { answering, NoAnswer } from './answering.ts'
import type { Gate } from './gate/gate.ts'
import { CommandRefused } from './peer-routes.ts'

/** The alerts of this node. */
export interface AlertSources {
  readonly state: () => AlertsJson
  /** Tells each destination at once. */
  readonly test: () => Promise<AlertTestJson>
}

/** How a first configuration is written. */
export interface SetupSources {
  readonly look: () => Omit<SetupJson, 'mayWrite'>
  readonly check: (answers: SetupAnswers) => Promise<SetupCheckJson>
  /** Puts the file in place, whole or not at all; one that is there is kept beside. @throws CommandRefused */
  readonly write: (answers: SetupAnswers) => Promise<SetupDoneJson>
  /** The owner has been told that it is written: the node may go down for its restart. */
  readonly written: () => void
}

/** What belongs to the owner alone: see the gate for who that is. */
export function ownerRoutes(
  server: FastifyInstance,
  { alerts, setup, gate }: { readonly alerts: AlertSources; readonly setup: SetupSources; readonly gate: Gate }
): void {
  answering(server, 'alerts', () => alertsSchema.encode(alerts.state()))
  answering(server, 'alertTest', async () => alertTestSchema.encode(await alerts.test()))

  answering(server, 'setup', ({ request }) =>
    setupSchema.encode({ ...setup.look(), mayWrite: gate.hasSecret(request) })
  )
  answering(server, 'setupCheck', async ({ body }) => setupCheckSchema.encode(await setup.check(body)))
  answering(server, 'setupWrite', async ({ body, reply }) => {
    let done: SetupDoneJson
    try {
      done = await setup.write(body)
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error
      throw new NoAnswer(409, error.message)
    }
    reply.raw.once('close', () => setup.written())
    return setupDoneSchema.encode(done)
  })
}
