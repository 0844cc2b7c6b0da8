import { DevChainServer, type DevChainServerOptions } from '@p2poolv2/devchain/rpc'
import { REGTEST_DIFFICULTY } from '@p2poolv2/devchain/testing'
import { onTestFinished } from 'vitest'
import { type PeerScript, ScriptedPeer } from './scripted-peer.ts'

/** Of every node here. */
export const LOGIN = { user: 'u', password: 'p' }

/** A bitcoin node on a chain of its own with regtest's rules, until the test ends. */
export async function devChain(options: Partial<DevChainServerOptions> = {}): Promise<DevChainServer> {
  const server = await DevChainServer.start({ ...LOGIN, difficulty: REGTEST_DIFFICULTY, ...options })
  onTestFinished(() => server.stop())
  return server
}

/** What stands in for a bitcoin node and says what it is told to, until the test ends. */
export async function peer(script: PeerScript): Promise<ScriptedPeer> {
  const started = await ScriptedPeer.start(script)
  onTestFinished(() => started.stop())
  return started
}

export const node = ({ url }: { readonly url: string }) => ({ url, ...LOGIN })
