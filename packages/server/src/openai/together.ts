/** Writes all answers whose next token is waited for in one pass of the model. */
import type { GeneratedToken, GenerationPool, PooledGeneration, PooledStep } from '@burgeon/gpt'
import type { Turns } from '../turns.ts'

interface Waiting {
  readonly generation: PooledGeneration
  readonly resolve: (tokens: readonly GeneratedToken[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Requests join and leave as they like. A token is made when somebody waits for it, so a client that reads
 * slowly holds up nobody.
 */
export class WritingTogether {
  readonly #pool: GenerationPool
  readonly #turns: Turns
  #waiting: Waiting[] = []

  constructor(pool: GenerationPool, turns: Turns) {
    this.#pool = pool
    this.#turns = turns
  }

  /** The next tokens of a generation, one of each of its rows; none where it has ended. */
  next(generation: PooledGeneration): Promise<readonly GeneratedToken[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ generation, resolve, reject })
      if (this.#waiting.length > 1) return
      // Whoever waits when the turn comes is part of it.
      void this.#turns.take('generate', () => this.#step())
    })
  }

  async #step(): Promise<void> {
    const now = this.#waiting
    this.#waiting = []
    let steps: readonly PooledStep[]
    try {
      steps = await this.#pool.step(now.map(({ generation }) => generation))
    } catch (error) {
      steps = now.map(() => ({ error }))
    }
    for (const [i, { resolve, reject }] of now.entries()) {
      const step = steps[i]
      if ('error' in step) reject(step.error)
      else resolve(step.tokens)
    }
  }
}
