/** The parts of an answer as they come, in order, or a failure. */
import { TransportError } from '../../errors.ts'
import { type AnswerHead, type Frame, jsonIn } from './frames.ts'

/** An answer that comes in parts. */
export class PartsOfAnswer {
  readonly #parts: Frame[] = []
  #expected = 0
  #failure = ''
  #hear: () => void = () => {}

  /** Takes a part; where one is missing before it, the answer has failed. */
  take(frame: Frame): void {
    if (frame.at !== this.#expected) return this.fail('a part of the answer was lost')
    this.#expected++
    this.#parts.push(frame)
    this.#hear()
  }

  /** No more will come. What came stays. */
  fail(why: string): void {
    this.#failure ||= why
    this.#hear()
  }

  /** Throws TransportError if it does not come. */
  async head(): Promise<AnswerHead> {
    const { kind, bytes } = await this.#next()
    if (kind === 'head') return jsonIn(bytes) as AnswerHead
    throw new TransportError(`relay: the replica failed: ${new TextDecoder().decode(bytes)}`)
  }

  /** Some of the body; null at its end. Throws TransportError if it does not come. */
  async data(): Promise<Uint8Array | null> {
    const { kind, bytes } = await this.#next()
    if (kind === 'data') return bytes
    if (kind === 'end') return null
    throw new TransportError(`relay: the replica failed: ${new TextDecoder().decode(bytes)}`)
  }

  async #next(): Promise<Frame> {
    for (;;) {
      const part = this.#parts.shift()
      if (part !== undefined) return part
      if (this.#failure !== '') throw new TransportError(`relay: ${this.#failure}.`)
      await new Promise<void>((resolve) => {
        this.#hear = resolve
      })
    }
  }
}
