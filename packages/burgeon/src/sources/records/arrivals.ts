/** What arrives while somebody is busy: a queue with an end that makes those wait who bring too much. */
import { orStopped } from '../or-stopped.ts'

/** A queue of limited length. */
export interface Arrivals<T> extends AsyncIterable<T> {
  /** Adds an item; resolves when there is room for another, or the signal is raised. */
  push(item: T, signal: AbortSignal): Promise<void>
  /** There is nothing more to come. */
  end(): void
  /** There is nothing more to come because of this, which is thrown once all items are read. */
  fail(error: unknown): void
}

/** @param capacity Items above which `push` waits. */
export function arrivals<T>(capacity: number): Arrivals<T> {
  const items: T[] = []
  let over: { readonly error?: unknown; readonly isFailure: boolean } | null = null
  let wakeReader = (): void => {}
  let wakeWriter = (): void => {}
  const finish = (how: NonNullable<typeof over>): void => {
    over = how
    wakeReader()
  }
  return {
    async push(item, signal) {
      items.push(item)
      wakeReader()
      while (items.length >= capacity && !signal.aborted) {
        const room = new Promise<void>((resolve) => {
          wakeWriter = resolve
        })
        await orStopped(room, [signal])
      }
    },
    end: () => finish({ isFailure: false }),
    fail: (error) => finish({ error, isFailure: true }),
    async *[Symbol.asyncIterator]() {
      for (;;) {
        while (items.length > 0) {
          yield items.shift() as T
          wakeWriter()
        }
        if (over?.isFailure) throw over.error
        if (over !== null) return
        await new Promise<void>((resolve) => {
          wakeReader = resolve
        })
      }
    },
  }
}
