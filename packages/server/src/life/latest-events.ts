/** The latest events of a server, and those who follow them. */
import { randomUUID } from 'node:crypto'
import type { LifeStep } from '../served/served-life.ts'

/** Bounds, and the beat. */
export interface LatestEventsOptions {
  /** Events that are kept for who comes back. */
  readonly kept: number
  /** Milliseconds from one told step to the next; those between are told as one. */
  readonly stepEvery: number
  /** Milliseconds after which silence is broken, so that a connection is not taken for a dead one. */
  readonly beatEvery: number
}

/** Somebody who follows. */
interface Follower {
  /** Number of the next event to send. */
  at: number
  /** Wakes one who waits for an event; null while none is asked for. */
  wake: (() => void) | null
  /** Ends it, since it reads too slowly. */
  drop(): void
}

/** Somebody who begins to follow. */
export interface FollowOptions {
  /** Name of the event behind which it goes on; from now on unless given. */
  readonly after: string | undefined
  /** Data of the event `open`, which comes first; `isComplete`: whether nothing was missed in between. */
  readonly opening: (isComplete: boolean) => object
  /** Called for one who reads too slowly. */
  readonly onDrop: () => void
}

/** Steps that were not told yet. */
interface Pending extends LifeStep {
  readonly steps: number
}

const beat = ': still here\n\n'

/**
 * A bounded ring of events with a number each. A follower has a place in the ring and no buffer of its own:
 * one who falls out of it is dropped, and can come back to what is left.
 */
export class LatestEvents {
  readonly #options: LatestEventsOptions
  /** Numbers of another process are not ours. */
  readonly #own = randomUUID().slice(0, 8)
  #ring: string[] = []
  /** Number of the first event in the ring. */
  #first = 1
  readonly #followers = new Set<Follower>()
  #pending: Pending | null = null
  #stepTimer: NodeJS.Timeout | null = null
  #beatTimer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: LatestEventsOptions) {
    this.#options = options
  }

  get followers(): number {
    return this.#followers.size
  }

  /** Tells what waits; returns the name of the last event. Those after it are sent to one who names it. */
  lastId(): string {
    this.#tellPending()
    return this.#idOf(this.#first + this.#ring.length - 1)
  }

  /** Tells of something, after the steps before it. */
  tell(name: string, data: object): void {
    this.#tellPending()
    this.#add(name, data)
  }

  /** Tells of a step, at once or as one with those that follow shortly. */
  tellStep(step: LifeStep): void {
    this.#pending = joined(this.#pending, step)
    if (this.#stepTimer !== null || this.#isClosed) return
    this.#tellPending()
    const again = (): void => {
      const hasMore = this.#pending !== null
      this.#tellPending()
      this.#stepTimer = hasMore ? setTimeout(again, this.#options.stepEvery).unref() : null
    }
    this.#stepTimer = setTimeout(again, this.#options.stepEvery).unref()
  }

  /** Server-sent events as bytes. */
  follow({ after, opening, onDrop }: FollowOptions): ReadableStream<Uint8Array> {
    const next = this.#first + this.#ring.length
    const named = after === undefined ? next - 1 : this.#numberOf(after)
    const isComplete = named !== undefined && named >= this.#first - 1 && named < next
    // Who names what is gone gets all that is left.
    const at = isComplete ? named + 1 : this.#first
    return this.#bodyFrom(at, this.#textOf(at - 1, 'open', opening(isComplete)), onDrop)
  }

  /** Ends every stream when all was sent. */
  close(): void {
    this.#tellPending()
    this.#isClosed = true
    if (this.#stepTimer !== null) clearTimeout(this.#stepTimer)
    for (const { wake } of this.#followers) wake?.()
  }

  #bodyFrom(at: number, opening: string, onDrop: () => void): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    let follower: Follower
    let isOpen = false
    const leave = (): void => {
      this.#followers.delete(follower)
      if (this.#followers.size > 0 || this.#beatTimer === null) return
      clearInterval(this.#beatTimer)
      this.#beatTimer = null
    }
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const drop = (): void => {
            leave()
            follower.wake?.()
            controller.close()
            onDrop()
          }
          follower = { at, wake: null, drop }
          this.#followers.add(follower)
          this.#beatTimer ??= setInterval(() => {
            for (const { wake } of this.#followers) wake?.()
          }, this.#options.beatEvery).unref()
        },
        pull: async (controller) => {
          if (!isOpen) {
            isOpen = true
            controller.enqueue(encoder.encode(opening))
            return
          }
          if (this.#isBehind(follower) && !this.#isClosed) await waitFor(follower)
          if (!this.#followers.has(follower)) return
          const text = this.#isBehind(follower) ? undefined : this.#ring[follower.at++ - this.#first]
          if (text !== undefined || !this.#isClosed) {
            controller.enqueue(encoder.encode(text ?? beat))
            return
          }
          leave()
          controller.close()
        },
        cancel: () => {
          leave()
          follower.wake?.()
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** Whether there is nothing to send yet. */
  #isBehind({ at }: Follower): boolean {
    return at >= this.#first + this.#ring.length
  }

  #tellPending(): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null) return
    const { step, steps, bytes, bitsPerByte: bits_per_byte, domain, parameters } = pending
    this.#add('step', { step, steps, bytes, bits_per_byte, domain, parameters })
  }

  #add(name: string, data: object): void {
    if (this.#isClosed) return
    this.#ring.push(this.#textOf(this.#first + this.#ring.length, name, data))
    if (this.#ring.length > 2 * this.#options.kept) {
      const left = this.#ring.length - this.#options.kept
      this.#ring = this.#ring.slice(left)
      this.#first += left
    }
    for (const follower of this.#followers) {
      if (follower.at < this.#first) follower.drop()
      else follower.wake?.()
    }
  }

  #textOf(number: number, name: string, data: object): string {
    return `id: ${this.#idOf(number)}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`
  }

  #idOf(number: number): string {
    return `${this.#own}-${number}`
  }

  #numberOf(id: string): number | undefined {
    const [own, number] = id.split('-')
    return own === this.#own && /^\d{1,15}$/.test(number) ? Number(number) : undefined
  }
}

/** Resolves when a follower is woken. */
function waitFor(follower: Follower): Promise<void> {
  return new Promise((resolve) => {
    follower.wake = () => {
      follower.wake = null
      resolve()
    }
  })
}

/** Two steps or more as one: the loss is that of their bytes, all else that of the last. */
function joined(before: Pending | null, step: LifeStep): Pending {
  if (before === null) return { ...step, steps: 1 }
  const bytes = before.bytes + step.bytes
  const bits = before.bitsPerByte * before.bytes + step.bitsPerByte * step.bytes
  return {
    ...step,
    steps: before.steps + 1,
    bytes,
    bitsPerByte: bytes === 0 ? step.bitsPerByte : bits / bytes,
  }
}
