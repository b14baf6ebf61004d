/** A model that lives in the page: what it learns with, what it has learnt, and how it is kept. */
import {
  adamw,
  budgeted,
  byteTokenizer,
  Gpt,
  Learner,
  type LearnerState,
  readCheckpoint,
  reservoirReplay,
  writeCheckpoint,
} from 'burgeon'
import { batchOfTokens, fixedVocabulary, neverGrow } from 'burgeon/continual'
import { type Disk, hasCheckpoint, PretrainedTokenizer, type PretrainedTokenizerState } from 'burgeon/gpt'
import { chain, clipByGlobalNorm } from 'burgeon/optim'
import type { Device } from 'burgeon/tensor'
import { growEvery } from './grow-every.ts'
import { modelFromFiles } from './model-from-files.ts'
import type { Point, Sizes } from './protocol.ts'
import { thinned } from './thinned.ts'

/** Rows of a step, and predictions of a row at most. */
const [rows, maxLength] = [8, 64]

/** What a checkpoint keeps beside the learner. */
interface Kept {
  readonly growEvery: number
  readonly learningRate: number
  readonly maxParameters: number
  /** None of a model that reads bytes. */
  readonly tokenizer: PretrainedTokenizerState | null
  text: string
  title: string
  /** Tokens of the text that have been learnt, from the beginning again after the end. */
  at: number
  course: Point[]
}

export class Life {
  readonly #learner: Learner
  readonly #kept: Kept
  readonly #tokenizer: PretrainedTokenizer | null
  #tokens: readonly number[] = []

  private constructor(learner: Learner, kept: Kept, tokenizer: PretrainedTokenizer | null) {
    this.#learner = learner
    this.#kept = kept
    this.#tokenizer = tokenizer
    this.#tokens = this.#encode(kept.text)
  }

  /** A new life: of the model in the files, or of a small one that knows nothing. */
  static async begin(device: Device, files: readonly File[], steps: number): Promise<Life> {
    const sizes = { context: 64, embed: 32, heads: 4, layers: 1, positions: 'rotary' } as const
    const { model, tokenizer } =
      files.length > 0
        ? await modelFromFiles(files, device)
        : { model: Gpt.create(sizes, { device, seed: 1 }), tokenizer: null }
    const kept: Kept = {
      growEvery: steps,
      learningRate: tokenizer === null ? 5e-3 : 3e-4,
      maxParameters: Math.max(400_000, Math.round(model.parameters.size * 1.5)),
      tokenizer: tokenizer?.toState() ?? null,
      ...{ text: '', title: '', at: 0, course: [] },
    }
    return new Life(new Learner({ model, ...partsOf(kept, tokenizer) }), kept, tokenizer)
  }

  /** The life that a disk keeps, on a device; nothing if it keeps none. */
  static async resume(device: Device, disk: Disk): Promise<Life | undefined> {
    if (!(await hasCheckpoint(disk))) return undefined
    const { learner: state, page } = await readCheckpoint(disk)
    const kept = page as Kept
    const tokenizer = kept.tokenizer === null ? null : PretrainedTokenizer.fromState(kept.tokenizer)
    const learner = Learner.fromState(state as LearnerState, { ...partsOf(kept, tokenizer), device })
    return new Life(learner, kept, tokenizer)
  }

  /** Keeps everything, indivisibly: whenever the page is closed, the disk holds this life or the one before. */
  async save(disk: Disk): Promise<number> {
    const { step } = this.#learner
    await writeCheckpoint(disk, { learner: await this.#learner.toState(), page: this.#kept })
    return step
  }

  /** The text that it learns from now on; the one that it learns already goes on where it is. */
  read(text: string, title: string): void {
    if (text === this.#kept.text) return
    const tokens = this.#encode(text)
    if (tokens.length < 2) throw new Error('There is nothing to learn: the text is empty.')
    this.#tokens = tokens
    Object.assign(this.#kept, { text, title, at: 0 })
  }

  /** One step: the next part of the text is predicted, then learnt. */
  async learn(): Promise<Point> {
    const [tokens, { at, title }] = [this.#tokens, this.#kept]
    const length = Math.min(maxLength, this.#learner.model.config.context)
    const wanted = Math.min(rows * length + 1, tokens.length)
    const part = Array.from({ length: wanted }, (_, i) => tokens[(at + i) % tokens.length])
    const { step, bitsPerByte, parameters, events } = await this.#learner.observe(
      batchOfTokens(part, Math.min(length, wanted - 1), title),
    )
    const growth = events.find((event) => event.kind === 'growth')?.data.record.summary ?? null
    const point: Point = { step, bitsPerByte, parameters, growth }
    this.#kept.at = (at + wanted - 1) % tokens.length
    this.#kept.course = thinned([...this.#kept.course, point])
    return point
  }

  /** Goes on with a text, piece by piece. */
  write(prompt: string, count: number): AsyncIterable<string> {
    const tokenizer = this.#tokenizer ?? byteTokenizer
    const seed = this.#learner.step
    return this.#learner.model.generate(prompt, { tokens: count, temperature: 0.7, seed, tokenizer })
  }

  /** What it learns. */
  get reading(): { title: string; text: string } {
    const { title, text } = this.#kept
    return { title, text }
  }

  get sizes(): Sizes {
    const { embed, context, blocks } = this.#learner.model.config
    return { embed, context, blocks: blocks.map(({ heads, mlpHidden }) => ({ heads, mlpHidden })) }
  }

  /** What it has come to. */
  get seen(): { step: number; parameters: number; course: readonly Point[] } {
    const { step, model } = this.#learner
    return { step, parameters: model.parameters.size, course: this.#kept.course }
  }

  /** Frees its memory. */
  end(): void {
    this.#learner.dispose()
    this.#learner.model.dispose()
  }

  #encode(text: string): readonly number[] {
    return [...(this.#tokenizer ?? byteTokenizer).encode(text)]
  }
}

/** The same parts for the same settings, as a resumed learner needs them. */
function partsOf(kept: Kept, tokenizer: PretrainedTokenizer | null) {
  const policy = kept.growEvery > 0 ? growEvery(kept.growEvery) : neverGrow
  return {
    optimizer: chain(clipByGlobalNorm(1), adamw({ learningRate: kept.learningRate, warmUp: 10 })),
    strategy: {
      rehearsal: reservoirReplay({ capacity: 256, seed: 1 }),
      growth: budgeted(policy, { parameters: kept.maxParameters }),
      ...(tokenizer !== null && { vocabulary: fixedVocabulary(tokenizer) }),
    },
  }
}
