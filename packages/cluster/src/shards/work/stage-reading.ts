/** What a stage remembers of texts that are being read: caches of its blocks, and the weights of one moment. */
import { type CacheFormat, type GptConfig, KeyValueCache } from '@burgeon/gpt'
import { type Check, checks, ParameterStore, scope, shareParameters } from '@burgeon/tensor'
import type { ModelStage } from '../model-stage.ts'
import type { Numbers } from './message.ts'
import { ShardError } from '../shard-error.ts'
import { plain, tensorOf } from './stage-learning.ts'

/** Tokens that a group of rows reads next, or the stream of them. */
export interface StageStep {
  readonly reading: string
  readonly group: number
  /** Rows of the group as it was that go on; null where all do. */
  readonly kept: readonly number[] | null
  /** Tokens of each row that were read before and stay. */
  readonly from: number
  readonly input: Numbers
}

interface Reading {
  readonly stage: ModelStage
  readonly weights: ParameterStore
  readonly caches: readonly KeyValueCache[]
}

/** Readings that a stage holds at once: whoever leaves more behind has forgotten to end them. */
const maxReadings = 256

/** The readings of one stage. */
export class StageReadings {
  readonly #stage: ModelStage
  readonly #readings = new Map<string, Reading>()

  constructor(stage: ModelStage) {
    this.#stage = stage
  }

  /** Begins to read groups of rows with the weights of this moment. */
  open(reading: string, groups: readonly number[], format: CacheFormat): void {
    if (this.#readings.size >= maxReadings) {
      throw new ShardError(`stage: got one reading more than ${maxReadings}; expected some to end before.`)
    }
    if (this.#readings.has(reading)) throw new ShardError(`stage: got reading ${reading} twice.`)
    const { device, parameters } = this.#stage
    const config: GptConfig = this.#stage.ownConfig
    const weights = new ParameterStore()
    const caches: KeyValueCache[] = []
    try {
      for (const rows of groups) caches.push(new KeyValueCache(config, device, rows, format))
      shareParameters(weights, parameters)
    } catch (error) {
      for (const cache of caches) cache[Symbol.dispose]()
      throw error
    }
    this.#readings.set(reading, { stage: this.#stage, weights, caches })
  }

  /** The stream above the new tokens `[B·T, C]`; of the last stage the logits after the last one of each row. */
  read({ reading, group, kept, from, input }: StageStep): Promise<Numbers> {
    const { stage, weights, caches } = this.#of(reading)
    const cache = caches.at(group)
    if (cache === undefined) throw new ShardError(`stage: got group ${group} of ${caches.length}.`)
    if (kept !== null) cache.select(kept)
    if (from > cache.length) {
      throw new ShardError(
        `stage: got tokens behind ${from} others; ${cache.length} were read. Read those first.`,
      )
    }
    cache.length = from
    const rows = cache.batch
    return plain(
      scope(() => {
        const w = weights.tensors()
        const x = stage.stream(tensorOf(stage, input, 'read'), w, { rows, cache })
        return stage.isLast ? stage.lastLogits(x, rows, w) : x
      }),
    )
  }

  /** Frees what a reading holds; of one that is not there, nothing. */
  end(reading: string): void {
    const found = this.#readings.get(reading)
    this.#readings.delete(reading)
    for (const cache of found?.caches ?? []) cache[Symbol.dispose]()
    found?.weights.dispose()
  }

  /** Ends all of them. */
  endAll(): void {
    for (const reading of this.#readings.keys()) this.end(reading)
  }

  #of(reading: string): Reading {
    const found = this.#readings.get(reading)
    if (found !== undefined) return found
    throw new ShardError(`stage: got reading ${reading}, which is not open here. Begin anew.`)
  }
}

/** Check of rows that go on. */
export const someRows: Check<readonly number[]> = checks.list('a list of rows', checks.integer({ from: 0 }))
