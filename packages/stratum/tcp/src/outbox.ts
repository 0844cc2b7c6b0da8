/** Sockets with something to say at most; one more, and all are let speak. */
const MAX_SPEAKERS = 128

/** Somebody whose words wait to be written. */
export interface Speaker {
  flush(): void
}

/**
 * Lets everything that is said in one turn of the event loop wait for its end, so that answers to many miners go out one right
 * after the other, and several to one miner as one write. Waking a reader costs the kernel more than writing to it, and who is
 * awake already need not be woken; on a quiet server a turn is one miner's lines, and nothing waits.
 */
export class Outbox {
  #speakers: Speaker[] = []
  #isDue = false

  /** @param speaker has something to say; twice is as good as once */
  add(speaker: Speaker): void {
    this.#speakers.push(speaker)
    if (this.#speakers.length >= MAX_SPEAKERS) this.flush()
    else if (!this.#isDue) {
      this.#isDue = true
      setImmediate(this.#flushDue)
    }
  }

  readonly #flushDue = (): void => {
    this.#isDue = false
    this.flush()
  }

  flush(): void {
    const speakers = this.#speakers
    this.#speakers = []
    for (const speaker of speakers) speaker.flush()
  }
}
