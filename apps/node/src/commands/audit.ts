import { auditSchema } from '@p2poolv2/api/schema'
import type { Terminal } from '../cli/terminal.ts'
import { terminalWords } from '../cli/terminal-words.ts'
import { auditView } from '../cli/views/audit-view.ts'
import { ConfigError, type ConfigSources } from '../config.ts'
import { ask, type Form } from './ask.ts'
import { type NodeAt, runningNode } from './running-node.ts'

/** A full window is some 120,000 headers. */
const AUDIT_WITHIN_MS = 300_000

/**
 * Works a payout out once more and shows the proof: by the running node, else from its store.
 * @returns the verdict
 */
export async function audit(
  at: NodeAt,
  sources: ConfigSources,
  { id, form, terminal }: { readonly id: string; readonly form: Form; readonly terminal: Terminal }
): Promise<string> {
  if ((await runningNode(at)) !== null) {
    const path = `/v1/audit/${encodeURIComponent(id)}`
    const question = { path, schema: auditSchema, view: auditView, withinMs: AUDIT_WITHIN_MS }
    return (await ask(at, question, { form, terminal })).verdict
  }
  const { auditJson, NoAnswer } = await import('@p2poolv2/api')
  const { auditParams } = await import('@p2poolv2/api/schema')
  const { withStoredChain } = await import('./stored-chain.ts')
  const asked = auditParams.safeParse({ id })
  if (!asked.success) throw new ConfigError(`"${id}" cannot be audited: ${asked.error.issues[0]?.message}`)
  try {
    const answer = await withStoredChain(sources, ({ params, store }) =>
      auditJson(
        {
          params,
          job: () => null,
          readBlocks: limit => store.readBlocks(limit),
          readShares: hashes => store.readShares(hashes),
          readHeaders: hashes => store.readHeaders(hashes)
        },
        id
      )
    )
    terminal.say(form === 'json' ? JSON.stringify(answer) : auditView(answer, terminal.sheet()))
    return answer.verdict
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    throw new ConfigError(
      id === 'job' ? 'no node runs here, so there is no job: start it, then ask again' : terminalWords(error.message)
    )
  }
}
