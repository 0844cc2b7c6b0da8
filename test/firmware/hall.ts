import { afterEach } from 'vitest'
import type { FirmwarePool, WireEnd } from './pool.ts'

/** What a hall needs of the device in it. */
interface Played extends WireEnd {
  readonly localPort: number
  connect(port: number, nowMs: number): Promise<void>
  /** What it does by itself when time has passed. */
  tick(nowMs: number): 'connect' | 'wait'
  mine(): void
  cut(): Promise<void>
}

interface Furnishing<Device extends Played> {
  readonly pool: FirmwarePool
  /** Which of its doors the device uses. */
  readonly door: number | undefined
  readonly device: Device
}

/** One device at one pool, and the time they share. It ends with the test that opened it. */
export class Hall<Device extends Played> {
  readonly pool: FirmwarePool
  readonly device: Device
  readonly #door: number | undefined

  static async open<Device extends Played>(furnishing: Furnishing<Device>): Promise<Hall<Device>> {
    const hall = new Hall(furnishing)
    open = hall
    await hall.connect()
    return hall
  }

  private constructor({ pool, door, device }: Furnishing<Device>) {
    this.pool = pool
    this.device = device
    this.#door = door
  }

  async connect(): Promise<void> {
    await this.device.connect(this.pool.port(this.#door), this.pool.nowMs)
    await this.settle()
  }

  settle(): Promise<void> {
    return this.pool.settle([this.device])
  }

  /** Lets time pass in steps; the device does what its timers say. */
  async pass(ms: number, stepMs = 5_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.pool.rig.advance(Math.min(stepMs, ms - passed))
      await this.settle()
      if (this.device.tick(this.pool.nowMs) === 'connect') await this.connect()
      await this.settle()
    }
  }

  /** Shares one after the other, with time between them. */
  async mine(shares: number, everyMs: number): Promise<void> {
    for (let share = 0; share < shares; share++) {
      this.device.mine()
      await this.settle()
      await this.pass(everyMs, everyMs)
    }
  }

  async close(): Promise<void> {
    await this.device.cut()
    await this.pool.stop()
  }
}

let open: { close(): Promise<void> } | null = null
afterEach(async () => {
  await open?.close()
  open = null
})
