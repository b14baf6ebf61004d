/** Who writes texts with the model that is served now, which a rollback may replace. */
import { GenerationPool } from '@burgeon/gpt'
import type { ServedModel } from '../served/served-model.ts'
import type { Turns } from '../turns.ts'
import { WritingTogether } from './together.ts'

/** Writes with one model. */
export interface Writer {
  readonly pool: GenerationPool
  readonly together: WritingTogether
}

/** Texts that began with a model are written to their end by the writer of that one. */
export class Writers {
  readonly #served: ServedModel
  readonly #turns: Turns
  #model: ServedModel['model'] | undefined
  #writers: Writer[] = []

  constructor(served: ServedModel, turns: Turns) {
    this.#served = served
    this.#turns = turns
  }

  /** The one for texts that begin now. */
  now(): Writer {
    const { model } = this.#served
    if (this.#model !== model) {
      const pool = new GenerationPool(model)
      this.#model = model
      this.#writers = [...this.#busy(), { pool, together: new WritingTogether(pool, this.#turns) }]
    }
    return this.#writers.at(-1) as Writer
  }

  /** Versions of the weights that texts are written by. */
  get snapshots(): number {
    return this.#busy().reduce((sum, { pool }) => sum + pool.snapshots, 0)
  }

  #busy(): Writer[] {
    return this.#writers.filter(({ pool }) => pool.snapshots > 0)
  }
}
