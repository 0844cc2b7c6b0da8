import { Worker } from 'node:worker_threads'
import { type HandshakeAnswer, HandshakeAnswerer, type HandshakeOrder } from './handshake-answer.ts'

/** Where handshakes are answered. One is given at a time. */
export interface Answering {
  /** Rejects when it could not be answered. */
  answer(order: HandshakeOrder): Promise<HandshakeAnswer>
  stop(): Promise<void>
}

/** On the thread of the caller, which does nothing else meanwhile: for tests, and for programs without a thread to spare. */
export class AnsweringHere implements Answering {
  readonly #answerer = new HandshakeAnswerer()

  answer(order: HandshakeOrder): Promise<HandshakeAnswer> {
    return Promise.resolve(this.#answerer.answer(order))
  }

  stop(): Promise<void> {
    return Promise.resolve()
  }
}

/** On a thread of its own. One that died is started again for the next handshake. Runs compiled only. */
export class AnsweringThread implements Answering {
  #worker: Worker | null = null
  #waiting: { readonly resolve: (answer: HandshakeAnswer) => void; readonly reject: (error: Error) => void } | null =
    null

  answer(order: HandshakeOrder): Promise<HandshakeAnswer> {
    this.#worker ??= this.#start()
    const worker = this.#worker
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      worker.postMessage(order)
    })
  }

  async stop(): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL('./handshake-thread.js', import.meta.url))
    worker.unref()
    worker.on('message', (answer: HandshakeAnswer) => {
      const waiting = this.#waiting
      this.#waiting = null
      waiting?.resolve(answer)
    })
    worker.on('error', error => this.#failed(worker, error))
    worker.on('exit', () => this.#failed(worker, new Error('the thread that answers handshakes has ended')))
    return worker
  }

  #failed(worker: Worker, error: Error): void {
    if (this.#worker === worker) this.#worker = null
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.reject(error)
  }
}
