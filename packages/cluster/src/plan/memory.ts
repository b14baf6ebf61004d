/** How much memory a model takes while it learns, and while it answers. */
import { type GptConfig, parametersOf } from '@burgeon/gpt'
import type { Precision } from './assumptions.ts'

/** Bytes of one copy of a model. */
export interface PlannedMemory {
  /** Weights as products read them. */
  readonly weights: number
  /** 32-bit copies of them, where products read 16-bit ones; 0 otherwise. */
  readonly masters: number
  readonly gradients: number
  /** The two moments of AdamW. */
  readonly moments: number
  /** Importance and anchor of elastic weight consolidation; 0 without. */
  readonly penalty: number
  /** What a sequence leaves for the gradients, where blocks are computed twice (`checkpointBlocks`). */
  readonly activations: number
  /** Keys and values of a whole context. */
  readonly cache: number
}

/** Bytes of a number, by the precision of products. */
const bytesOf: Readonly<Record<Precision, number>> = { f32: 4, bf16: 2 }

/** Memory of one copy, and of one sequence of the whole context. */
export function memoryOf(config: GptConfig, precision: Precision, keepsPenalty: boolean): PlannedMemory {
  const parameters = parametersOf(config)
  const bytes = bytesOf[precision]
  const { context, embed, blocks } = config
  const kept = blocks.length * context * embed
  // Of the block at hand everything is there: what the norms, queries, keys and values, heads, and the MLP make.
  const ofBlock = Math.max(
    ...blocks.map(
      ({ heads, kvHeads, headDim, mlpHidden }) =>
        context *
        (4 * embed + 2 * (heads + kvHeads) * headDim + (config.activation === 'swiglu' ? 4 : 2) * mlpHidden),
    ),
  )
  const cached = blocks.reduce((sum, { kvHeads, headDim }) => sum + 2 * kvHeads * headDim, 0)
  return {
    weights: bytes * parameters,
    masters: precision === 'bf16' ? 4 * parameters : 0,
    gradients: 4 * parameters,
    moments: 8 * parameters,
    penalty: keepsPenalty ? 8 * parameters : 0,
    activations: bytes * (kept + ofBlock),
    cache: bytes * context * cached,
  }
}

/** What stays from step to step: all but activations and cache. */
export const stateBytes = ({ weights, masters, gradients, moments, penalty }: PlannedMemory): number =>
  weights + masters + gradients + moments + penalty
