import type { Target } from '../engine/target.ts'

type Loaded = Promise<{ readonly TARGETS: readonly Target[] }>

/** Files beside this one, each with the decoders behind one kind of door. A process that fuzzes one of them loads no other. */
const LOAD = {
  'stratum-v1': (): Loaded => import('./stratum-v1.ts'),
  'stratum-v2': (): Loaded => import('./stratum-v2.ts'),
  gossip: (): Loaded => import('./gossip.ts'),
  shares: (): Loaded => import('./shares.ts'),
  devnet: (): Loaded => import('./devnet.ts'),
  invites: (): Loaded => import('./invites.ts'),
  bitcoind: (): Loaded => import('./bitcoind.ts'),
  store: (): Loaded => import('./store.ts'),
  files: (): Loaded => import('./files.ts'),
  api: (): Loaded => import('./api.ts')
} as const

export type TargetModule = keyof typeof LOAD

export const MODULES = Object.keys(LOAD) as readonly TargetModule[]

export async function targetsOf(module: TargetModule): Promise<readonly Target[]> {
  return (await LOAD[module]()).TARGETS
}
