/** What is heard in a suite. */
import type { Message } from '../seams/transport.ts'

/** Bytes, as written. */
export const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)

/** What a subscription has heard, and when it has heard so many. */
export class Heard {
  readonly messages: Message[] = []
  #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  readonly note = (message: Message): void => {
    this.messages.push(message)
    for (const { count, resolve } of this.#waiting) if (this.messages.length >= count) resolve()
  }

  get first(): number[] {
    return this.messages.map(({ payload }) => payload[0])
  }

  until(count: number): Promise<void> {
    if (this.messages.length >= count) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ count, resolve }))
  }
}

/** 0, 1, … below a count. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
