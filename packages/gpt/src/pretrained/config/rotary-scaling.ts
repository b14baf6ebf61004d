/** Rotary frequencies of pretrained models: `rope_scaling` or `rope_parameters` of `config.json`. */
import type { ConfigKeys } from './config-keys.ts'

/** The rotation of the heads of a layer. */
export interface RotaryScaling {
  /** Radians per position of each pair of channels, D/2 numbers. */
  readonly frequencies: readonly number[]
  /** Multiplies cosines and sines, so queries and keys: 1 but for YaRN and LongRoPE. */
  readonly attentionFactor: number
  /** The longest sequence that these frequencies are right for. */
  readonly context: number
}

/** What scalings are made of. */
interface Rope {
  readonly keys: ConfigKeys
  /** Keys of the whole file; some that a scaling needs stand there. */
  readonly top: ConfigKeys
  readonly headDim: number
  readonly theta: number
  readonly context: number
}

/**
 * The rotation of a layer of one type.
 *
 * @param top All keys of `config.json`.
 * @param layerType `full_attention` or `sliding_attention`.
 */
export function rotaryScaling(
  top: ConfigKeys,
  headDim: number,
  context: number,
  defaultTheta: number,
  layerType: string,
): RotaryScaling {
  const found = top.below('rope_parameters') ?? top.below('rope_scaling')
  const keys = (found?.has(layerType) ? found.below(layerType) : found) ?? top
  for (const own of [keys, top]) {
    if (own.has('partial_rotary_factor') && own.get('partial_rotary_factor') !== 1) {
      own.refuse('partial_rotary_factor', '1: all channels of a head are rotated here')
    }
  }
  if (headDim % 2 !== 0) top.refuse('head_dim', 'an even number, since pairs of channels are rotated')
  const theta = keys.has('rope_theta')
    ? keys.positive('rope_theta')
    : top.positive('rope_theta', defaultTheta)
  const typeKey = keys.has('rope_type') ? 'rope_type' : 'type'
  const type = keys === top ? 'default' : keys.text(typeKey, 'default')
  if (!Object.hasOwn(scalings, type)) keys.refuse(typeKey, `one of ${Object.keys(scalings).join(', ')}`)
  return scalings[type]({ keys, top, headDim, theta, context })
}

const plain = ({ headDim, theta }: Rope): number[] =>
  Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim))

const unscaled = (rope: Rope): RotaryScaling => ({
  frequencies: plain(rope),
  attentionFactor: 1,
  context: rope.context,
})

const scalings: Readonly<Record<string, (rope: Rope) => RotaryScaling>> = {
  default: unscaled,
  linear(rope) {
    const factor = rope.keys.positive('factor')
    return { ...unscaled(rope), frequencies: plain(rope).map((f) => f / factor) }
  },
  // Its base grows with sequences beyond max_position_embeddings only, and those are beyond our context.
  dynamic(rope) {
    rope.keys.positive('factor')
    return unscaled(rope)
  },
  llama3(rope) {
    const { keys } = rope
    const [factor, low, high, original] = [
      ...['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'],
    ].map((key) => keys.positive(key))
    if (high === low) keys.refuse('high_freq_factor', 'another number than low_freq_factor')
    const frequencies = plain(rope).map((f) => {
      const wavelength = (2 * Math.PI) / f
      if (wavelength > original / low) return f / factor
      if (wavelength < original / high) return f
      const share = (original / wavelength - low) / (high - low)
      return f * ((1 - share) / factor + share)
    })
    return { ...unscaled(rope), frequencies }
  },
  yarn,
  longrope,
}

/** Peng et al. 2023 (YaRN), sections 3.2 and 3.4. */
function yarn(rope: Rope): RotaryScaling {
  const { keys, headDim: D, theta, context } = rope
  const isGiven = keys.has('original_max_position_embeddings')
  const original = isGiven ? keys.positive('original_max_position_embeddings') : context
  const factor = keys.has('factor') ? keys.positive('factor') : context / original
  const [fast, slow] = [keys.positive('beta_fast', 32), keys.positive('beta_slow', 1)]
  const pairOf = (rotations: number): number =>
    (D * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta))
  const truncates = keys.boolean('truncate', true)
  const [lowest, highest] = [pairOf(fast), pairOf(slow)]
  const low = Math.max(truncates ? Math.floor(lowest) : lowest, 0)
  const most = Math.min(truncates ? Math.ceil(highest) : highest, D - 1)
  const high = most === low ? most + 0.001 : most
  const frequencies = plain(rope).map((f, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / (high - low)))
    return (f / factor) * ramp + f * (1 - ramp)
  })
  return { frequencies, attentionFactor: yarnFactor(keys, factor), context }
}

function yarnFactor(keys: ConfigKeys, factor: number): number {
  if (keys.has('attention_factor')) return keys.positive('attention_factor')
  const grown = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1)
  if (keys.has('mscale') && keys.has('mscale_all_dim')) {
    return grown(keys.positive('mscale')) / grown(keys.positive('mscale_all_dim'))
  }
  return grown(1)
}

/**
 * Ding et al. 2024 (LongRoPE): other factors for sequences beyond the original context. One model has one set
 * of frequencies here, so the context ends there.
 */
function longrope(rope: Rope): RotaryScaling {
  const { keys, top, headDim, context } = rope
  const at = top.has('original_max_position_embeddings') ? top : keys
  const original = at.size('original_max_position_embeddings', context)
  const factor = at === top || !keys.has('factor') ? context / original : keys.positive('factor')
  const factors = keys.numbers('short_factor', headDim / 2)
  keys.numbers('long_factor', headDim / 2)
  const isLonger = factor > 1 && original > 1
  const usual = isLonger ? Math.sqrt(1 + Math.log(factor) / Math.log(original)) : 1
  return {
    frequencies: plain(rope).map((f, i) => f / factors[i]),
    attentionFactor: keys.has('attention_factor') ? keys.positive('attention_factor') : usual,
    context: Math.min(original, context),
  }
}
