/** Rotary scalings of GGUF files, as the keys that Hugging Face's folders have for them. */
import { sizeLimits } from '../../../config/size-limits.ts'
import type { JsonObject } from '../../config/config-keys.ts'
import type { GgufKeys } from './gguf-keys.ts'

/** Numbers that stand in tensors: what frequencies are divided by, one for each pair of channels. */
export interface RotaryDivisors {
  /** `rope_freqs.weight`: for every sequence. */
  readonly always?: readonly number[]
  /** `rope_factors_short.weight`: for sequences up to the original context (LongRoPE). */
  readonly short?: readonly number[]
  /** `rope_factors_long.weight`: for longer ones. */
  readonly long?: readonly number[]
}

/** `rope_scaling` of the keys below `rope.`; undefined where nothing is scaled. */
export function ropeScaling(
  keys: GgufKeys,
  context: number,
  headDim: number,
  divisors: RotaryDivisors,
): JsonObject | undefined {
  const type = keys.text('rope.scaling.type', 'none')
  const older = keys.get('rope.scale_linear') === undefined ? undefined : keys.positive('rope.scale_linear')
  const given = keys.get('rope.scaling.factor') === undefined ? older : keys.positive('rope.scaling.factor')
  // Zero says as much as nothing.
  const has = (key: string): boolean => ![undefined, 0].includes(keys.get(key) as number | undefined)
  const original = has('rope.scaling.original_context_length')
    ? keys.size('rope.scaling.original_context_length', sizeLimits.context)
    : undefined
  const attention = has('rope.scaling.attn_factor') ? keys.positive('rope.scaling.attn_factor') : 1
  // Says where the scaling came from, not what it is.
  keys.get('rope.scaling.finetuned')
  const kinds = ['none', 'linear', 'yarn', 'longrope', 'llama3']
  if (!kinds.includes(type)) keys.refuse('rope.scaling.type', `one of ${kinds.join(', ')}`)
  const { always, short, long } = divisors
  for (const list of [always, short, long]) {
    if (list === undefined || list.length === headDim / 2) continue
    keys.refuse('rope.dimension_count', `${2 * list.length}, as the tensor of divisors has ${list.length}`)
  }
  if (type === 'yarn') {
    if (always ?? short ?? long) keys.refuse('rope.scaling.type', 'no yarn beside tensors of divisors')
    return yarn(keys, { factor: given ?? keys.positive('rope.scaling.factor'), original, attention })
  }
  if (short ?? long) {
    if (always) keys.refuse('rope.scaling.type', 'rope_freqs.weight, or rope_factors_short.weight and long')
    if (short === undefined || long === undefined) {
      return keys.refuse('rope.scaling.type', 'both rope_factors_short.weight and rope_factors_long.weight')
    }
    return longrope(short, long, attention, original ?? context)
  }
  if (type === 'longrope') keys.refuse('rope.scaling.type', 'rope_factors_short.weight and long with it')
  if (attention !== 1) keys.refuse('rope.scaling.attn_factor', 'none but with yarn and longrope')
  const factor = type === 'linear' || older !== undefined ? (given ?? 1) : 1
  if (always === undefined) return factor === 1 ? undefined : { rope_type: 'linear', factor }
  const all = always.map((divisor) => divisor * factor)
  if (all.every((divisor) => divisor === 1)) return undefined
  return (
    llama3(all, headDim, keys.positive('rope.freq_base', 10_000), original) ?? longrope(all, all, 1, context)
  )
}

interface Scaling {
  readonly factor: number
  readonly original: number | undefined
  readonly attention: number
}

function yarn(keys: GgufKeys, { factor, original, attention }: Scaling): JsonObject {
  const optional = (key: string, name: string): JsonObject =>
    keys.get(`rope.scaling.${key}`) === undefined ? {} : { [name]: keys.positive(`rope.scaling.${key}`) }
  const usual = { yarn_ext_factor: [1, -1], yarn_attn_factor: [1, 0], yarn_log_multiplier: [0] }
  for (const [key, values] of Object.entries(usual)) {
    const value = keys.get(`rope.scaling.${key}`) ?? values[0]
    if (!values.some((each) => each === value)) {
      keys.refuse(`rope.scaling.${key}`, `${values[0]}: no other can be represented`)
    }
  }
  return {
    ...{
      rope_type: 'yarn',
      factor,
      ...(original !== undefined && { original_max_position_embeddings: original }),
    },
    ...optional('yarn_beta_fast', 'beta_fast'),
    ...optional('yarn_beta_slow', 'beta_slow'),
    ...(attention !== 1 && { attention_factor: attention * (0.1 * Math.log(factor) + 1) }),
  }
}

function longrope(
  short: readonly number[],
  long: readonly number[],
  attention: number,
  original: number,
): JsonObject {
  return {
    ...{ rope_type: 'longrope', short_factor: short, long_factor: long },
    ...{ attention_factor: attention, original_max_position_embeddings: original },
  }
}

/**
 * Llama 3's scaling, where it has these divisors. Files have the divisors alone; all models of the kind
 * that are in use have been trained with a context of 8192 and the bounds 1 and 4.
 */
function llama3(
  divisors: readonly number[],
  headDim: number,
  theta: number,
  context: number = 8192,
): JsonObject | undefined {
  const factor = divisors.at(-1) ?? 1
  const [low, high] = [1, 4]
  const isOfIt = divisors.every((divisor, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / headDim)
    const share = Math.min(1, Math.max(0, (context / wavelength - low) / (high - low)))
    const expected = 1 / ((1 - share) / factor + share)
    return Math.abs(divisor - expected) <= 1e-5 * expected
  })
  if (factor === 1 || !isOfIt) return undefined
  return {
    ...{ rope_type: 'llama3', factor, low_freq_factor: low, high_freq_factor: high },
    original_max_position_embeddings: context,
  }
}
