/** What is in the log of records of a cluster: which ids, and how long each is. */
import type { Log } from '@burgeon/cluster'

/** Follows a log of records. */
export class KnownRecords {
  readonly #log: Log
  readonly #ids = new Set<string>()
  /** Bytes of each record, the first of them at position 1. */
  readonly #lengths: number[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** Records that are known. */
  get count(): number {
    return this.#lengths.length
  }

  /** Reads what has come since. Throws as the log. */
  async advance(): Promise<void> {
    for await (const { id, payload } of this.#log.read(this.count + 1)) this.#take(id, payload.length)
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Appends a record; one whose id is known stays as it is. Throws as the log. */
  async append(id: string, payload: Uint8Array): Promise<void> {
    if (this.has(id)) return
    const { position } = await this.#log.append(payload, { id })
    if (position === this.count + 1) this.#take(id, payload.length)
    else if (position > this.count) await this.advance()
    // The broker knew it although it was not read: it may be far behind in a long log.
    this.#ids.add(id)
  }

  /** Bytes of records together, by their positions. Those beyond what is known are read first. Throws as the log. */
  async bytesOf(positions: readonly number[]): Promise<number> {
    if (positions.some((position) => position > this.count)) await this.advance()
    return positions.reduce((sum, position) => sum + (this.#lengths[position - 1] ?? 0), 0)
  }

  #take(id: string | null, length: number): void {
    this.#lengths.push(length)
    if (id !== null) this.#ids.add(id)
  }
}
