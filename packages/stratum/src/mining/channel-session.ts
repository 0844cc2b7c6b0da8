import type { SteadyMs, UnixMs } from '@p2poolv2/primitives'
import type { MinerIdentity, MinerSays } from '../contract.ts'
import type { MiningChannel } from './mining-channel.ts'

/** What every session says of its miner whatever protocol it speaks: what its channel knows. */
export abstract class ChannelSession {
  readonly remote: string
  readonly #channel: MiningChannel

  protected constructor(remote: string, channel: MiningChannel) {
    this.remote = remote
    this.#channel = channel
  }

  get identity(): MinerIdentity | null {
    return this.#channel.identity
  }

  get says(): MinerSays {
    return this.#channel.difficulty.says
  }

  get difficulty(): number {
    return this.#channel.difficulty.difficulty
  }

  get accepted(): number {
    return this.#channel.accepted
  }

  get rejected(): number {
    return this.#channel.rejected
  }

  get lastAcceptedAtMs(): UnixMs | null {
    return this.#channel.lastAcceptedAtMs
  }

  get bestDifficulty(): number {
    return this.#channel.bestDifficulty
  }

  get oldestWorkId(): number | null {
    return this.#channel.oldestWorkId
  }

  forgetWorksBefore(workId: number): void {
    this.#channel.forgetWorksBefore(workId)
  }

  hashrateHps(nowMs: SteadyMs): number {
    return this.#channel.difficulty.hashrateHps(nowMs)
  }
}
