/** Who writes texts with the model that is served now, which a rollback may replace. */
import { GenerationPool, type PooledGeneration, type PooledOptions, type Prompt } from '@burgeon/gpt'
import type { Lessons } from '../lessons.ts'
import type { ServedModel } from '../served/served-model.ts'
import type { Turns } from '../turns.ts'
import type { WeightsVersion } from '../weights-version.ts'
import { WritingTogether } from './together.ts'

/** Writes with one model. */
interface Writer {
  readonly pool: GenerationPool
  readonly together: WritingTogether
}

/** A text that has begun. */
export interface Begun {
  readonly generation: PooledGeneration
  readonly together: WritingTogether
  /** Of the weights that write it. */
  readonly version: string
}

/** The text that began last, and the weights that it began with. */
interface Latest extends Begun {
  /** Milliseconds at which these weights were those of the model. */
  readonly at: number
  /** Lessons that had ended by then. */
  readonly lessons: number
  readonly config: ServedModel['model']['config']
}

/** What it needs. */
export interface WritersOptions {
  readonly served: ServedModel
  readonly turns: Turns
  readonly version: WeightsVersion
  readonly lessons: Lessons
  /** A clock in milliseconds. */
  readonly now: () => number
}

/** Milliseconds for which new texts may begin with weights that others are written by. */
const sharedFor = 250

/**
 * Texts that began with a model are written to their end by the writer of that one.
 *
 * Where a step is learnt between any two texts, each would be written by weights of its own, alone. So a text
 * that begins while another is written takes the weights of that one, if they are hardly older and no lesson
 * has ended since: what a lesson taught is in every text that begins after its answer.
 */
export class Writers {
  readonly #options: WritersOptions
  #model: ServedModel['model'] | undefined
  #writers: Writer[] = []
  #latest: Latest | undefined

  constructor(options: WritersOptions) {
    this.#options = options
  }

  /**
   * Begins a text. Called in a turn, in which nothing is learnt.
   *
   * @throws OptionError of `GenerationPool.begin`.
   */
  async begin(prompts: readonly Prompt[], options: PooledOptions): Promise<Begun> {
    const { served, version, lessons, now } = this.#options
    const { pool, together } = this.#now()
    const latest = this.#shared(together)
    const weights = latest ?? {
      ...{ together, version: await version.now(), config: served.model.config },
      ...{ at: now(), lessons: lessons.ended },
    }
    this.#latest = { ...weights, generation: pool.begin(prompts, options, latest?.generation) }
    return this.#latest
  }

  /** Versions of the weights that texts are written by. */
  get snapshots(): number {
    return this.#busy().reduce((sum, { pool }) => sum + pool.snapshots, 0)
  }

  /** The one for texts that begin now. */
  #now(): Writer {
    const { served, turns } = this.#options
    const { model } = served
    if (this.#model !== model) {
      const pool = new GenerationPool(model)
      this.#model = model
      this.#writers = [...this.#busy(), { pool, together: new WritingTogether(pool, turns) }]
    }
    return this.#writers.at(-1) as Writer
  }

  /** The text that began last, if another may begin with its weights. */
  #shared(together: WritingTogether): Latest | undefined {
    const { served, lessons, now } = this.#options
    const latest = this.#latest
    const mayBe =
      latest?.together === together &&
      !latest.generation.isDone &&
      latest.lessons === lessons.ended &&
      // After growth the tokens of a prompt may be others.
      latest.config === served.model.config &&
      now() - latest.at <= sharedFor
    return mayBe ? latest : undefined
  }

  #busy(): Writer[] {
    return this.#writers.filter(({ pool }) => pool.snapshots > 0)
  }
}
