/** Turns: one piece of work on the model at a time, and a fair share for each kind. */
import { checkArgument, checkOptions, checks } from '@burgeon/tensor'

/** The kinds of work. */
export type Work = 'generate' | 'learn'

/** Runs a piece of work when its turn has come. */
export type Turn = <R>(body: () => Promise<R>) => Promise<R>

/** Shares, and the clock that they are measured by. */
export interface TurnsOptions {
  /**
   * Share of the time that learning gets while texts are being written, in [0, 1]. Alone, each kind has all of
   * it. 0.3 unless given.
   */
  readonly learnShare?: number
  /** A clock in milliseconds. */
  readonly now?: () => number
}

interface Waiting {
  readonly run: () => Promise<void>
}

/** Turns of the event loop in which a text whose token was written may ask for its next one. */
const patience = 8

/** Time that was spent long ago counts for less: half as much after so many milliseconds of work. */
const halfLife = 2000

/**
 * Orders work on one engine. Of one kind, who came first is first; where both wait, learning goes on while it
 * has had less than its share. A piece of generation is one token of one request, one of learning a step, so
 * nobody waits long. After each the event loop turns, so that requests and signals are heard.
 *
 * After a token, learning that has had its share is patient: the texts at hand ask for their next token as
 * soon as this one has gone out. A step in that gap would hold all of them up (anticipatory scheduling; Iyer
 * and Druschel 2001, section 3).
 */
export class Turns {
  readonly #share: number
  readonly #now: () => number
  readonly #waiting: Record<Work, Waiting[]> = { generate: [], learn: [] }
  readonly #spent: Record<Work, number> = { generate: 0, learn: 0 }
  #isRunning = false

  /** @throws OptionError for options out of range. */
  constructor(options: TurnsOptions = {}) {
    checkOptions('Turns', options, {
      learnShare: checks.number({ from: 0, to: 1 }),
      now: checks.callback('a clock in milliseconds'),
    })
    this.#share = options.learnShare ?? 0.3
    this.#now = options.now ?? (() => performance.now())
  }

  /** How many pieces of work wait for their turn. */
  get waiting(): number {
    return this.#waiting.generate.length + this.#waiting.learn.length
  }

  /** Runs `body` when its turn has come, and returns what it does. */
  take<R>(work: Work, body: () => Promise<R>): Promise<R> {
    checkArgument('Turns.take', 'work', work, checks.oneOf('generate', 'learn'))
    checkArgument('Turns.take', 'body', body, checks.callback())
    return new Promise<R>((resolve, reject) => {
      const run = async (): Promise<void> => {
        try {
          resolve(await body())
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting[work].push({ run })
      if (!this.#isRunning) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#isRunning = true
    for (let work = this.#next(); work !== null; work = this.#next()) {
      const start = this.#now()
      await this.#waiting[work].shift()?.run()
      this.#note(work, this.#now() - start)
      await eventLoop()
      for (let left = work === 'generate' ? patience : 0; left > 0 && this.#mayHoldUp; left--)
        await eventLoop()
    }
    this.#isRunning = false
  }

  /** Whether learning would go on beyond its share, because no text waits at this moment. */
  get #mayHoldUp(): boolean {
    const { generate, learn } = this.#waiting
    return generate.length === 0 && learn.length > 0 && !this.#isBehind
  }

  /** Whether learning has had less than its share. */
  get #isBehind(): boolean {
    const { generate, learn } = this.#spent
    return learn < this.#share * (learn + generate)
  }

  /** The kind whose turn it is; null while nothing waits. */
  #next(): Work | null {
    const { generate, learn } = this.#waiting
    if (learn.length === 0) return generate.length === 0 ? null : 'generate'
    if (generate.length === 0) return 'learn'
    const isFirst = this.#spent.learn + this.#spent.generate === 0 && this.#share > 0
    return isFirst || this.#isBehind ? 'learn' : 'generate'
  }

  #note(work: Work, milliseconds: number): void {
    const kept = 2 ** (-milliseconds / halfLife)
    this.#spent.generate *= kept
    this.#spent.learn *= kept
    this.#spent[work] += milliseconds
  }
}

const eventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
