/** The branches of a learner: itself, and what is tried beside it, one of which is in its parts at a time. */
import { OptionError } from '@burgeon/tensor'
import { oneAtATime } from '../one-at-a-time.ts'
import type { Loop } from '../learning/loop.ts'
import { type Moment, momentOf } from './moment.ts'

/** A branch beside the learner; its moment is kept while another one acts. */
export interface Branch {
  moment: Moment | null
}

/**
 * Has parts, model and journal be those of the branch that acts. A branch that has not acted yet is the
 * learner itself: it costs nothing.
 */
export class Branches {
  readonly #loop: Loop
  readonly #alone = oneAtATime()
  readonly #open = new Set<Branch>()
  /** The moment of the learner itself, from the first act of a branch on. */
  #root: Moment | null = null
  /** The branch whose state the parts have; null for the learner itself. */
  #here: Branch | null = null
  #isElsewhere = false

  constructor(loop: Loop) {
    this.#loop = loop
  }

  /**
   * A branch that begins as the learner is once the step at hand is done.
   *
   * @throws OptionError for a learner that could not be put back.
   */
  open(): Branch {
    const { vocabulary } = this.#loop.options.strategy ?? {}
    if (vocabulary !== undefined && !vocabulary.isFixed) {
      throw new OptionError(
        `learner: fork: got ${vocabulary.name}, whose tokenizer cannot let go of tokens; expected a vocabulary that does not grow.`,
      )
    }
    const branch: Branch = { moment: null }
    this.#open.add(branch)
    return branch
  }

  /** Changes the learner. Throws OptionError while branches are open: they began from what it is. */
  act<T>(what: string, work: () => Promise<T>): Promise<T> {
    return this.#alone(() => {
      if (this.#open.size === 0) return work()
      throw new OptionError(
        `learner: got ${what} while ${this.#open.size} of its forks are open; expected each to be kept or dropped first.`,
      )
    })
  }

  /**
   * Has the parts be those of another moment during some work, which is part of an act: who looks waits.
   */
  async elsewhere<T>(work: () => Promise<T>): Promise<T> {
    this.#isElsewhere = true
    try {
      return await work()
    } finally {
      this.#isElsewhere = false
    }
  }

  /** Looks at the learner itself, whatever acted last: at once where that is what the parts are now. */
  look<T>(work: () => Promise<T>): Promise<T> {
    return this.#open.size === 0 && !this.#isElsewhere ? work() : this.lookInTurn(work)
  }

  /** The same once the step at hand is done. */
  lookInTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      await this.#enter(null)
      return work()
    })
  }

  /** Has a branch act. Throws OptionError for one that has come to its end. */
  actIn<T>(branch: Branch, work: () => Promise<T>): Promise<T> {
    return this.#alone(async () => {
      this.#requireOpen(branch)
      await this.#enter(branch)
      return work()
    })
  }

  /**
   * Makes a branch the learner; all others come to their end. Throws OptionError as `actIn`.
   *
   * @param kept Called once it is.
   */
  keep(branch: Branch, kept: () => void): Promise<void> {
    return this.#alone(async () => {
      this.#requireOpen(branch)
      await this.#enter(branch)
      this.#here = null
      this.#close()
      kept()
    })
  }

  /** Ends a branch, if it has not come to its end: the learner is as if it had never been. */
  drop(branch: Branch): Promise<void> {
    return this.#alone(async () => {
      if (!this.#open.has(branch)) return
      if (this.#here === branch) {
        this.#root?.putBack()
        this.#here = null
      }
      branch.moment?.dispose()
      this.#open.delete(branch)
      if (this.#open.size === 0) this.#close()
    })
  }

  /** Frees what branches hold. */
  dispose(): void {
    this.#close()
  }

  #close(): void {
    for (const { moment } of [...this.#open, { moment: this.#root }]) moment?.dispose()
    this.#open.clear()
    this.#root = null
  }

  #requireOpen(branch: Branch): void {
    if (this.#open.has(branch)) return
    throw new OptionError('fork: it has been kept or dropped, or another one was kept; expected an open one.')
  }

  async #enter(branch: Branch | null): Promise<void> {
    const here = this.#here
    if (here === branch) return
    if (here === null) this.#root ??= await momentOf(this.#loop)
    else here.moment = await momentOf(this.#loop)
    const { moment } = branch ?? { moment: null }
    // A branch that has not acted yet begins where the learner is.
    if (moment !== null || here !== null) (moment ?? this.#root)?.putBack()
    moment?.dispose()
    if (branch !== null) branch.moment = null
    this.#here = branch
  }
}
