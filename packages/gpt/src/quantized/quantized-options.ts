/** How a model is packed, and the checks of it. */
import { type Activations, type ChecksOf, checks, OptionError, type PackedFormat } from '@burgeon/tensor'

/** Numbers that weights may be packed into. */
export type WeightFormat = Exclude<PackedFormat, 'int7'>

/** How a model is packed. */
export interface QuantizedOptions {
  /** Format of the linear maps of every block. */
  readonly weights: WeightFormat
  /**
   * Format of the token embedding and the head; that of `weights` unless given, but `int8` where it is
   * `int4`.
   */
  readonly embedding?: WeightFormat
  /** Numbers of `int4` that share a scale and a minimum: 32 (unless given), 64 or 128. */
  readonly group?: 32 | 64 | 128
  /**
   * `plain`, unless given: the range of numbers is divided evenly. `clipped`: of several narrower ranges the
   * one with the least squared error.
   */
  readonly rounding?: 'plain' | 'clipped'
  /**
   * `f32`, unless given; `int8` or `int7`: what a map with integer weights reads is rounded, too, 32 numbers
   * with a scale each. That is fastest on a CPU, and further from the model; `int7` is for weights of `int8`.
   */
  readonly activations?: Activations
  /**
   * Sequences of tokens such as the model will read. Integers are then rounded with error feedback (GPTQ,
   * Frantar et al. 2023) so that each map, reading what rounded ones before it make of this text, returns
   * nearly what it did (Li et al. 2025). None unless given.
   */
  readonly calibration?: readonly ArrayLike<number>[]
}

const aFormat = checks.oneOf('f16', 'bf16', 'int8', 'int4')
const aGroup = {
  expected: '32, 64 or 128',
  accepts: (value: unknown): value is 32 | 64 | 128 => [32, 64, 128].includes(value as number),
}

/** Checks of `QuantizedOptions`. */
export const quantizedChecks: ChecksOf<QuantizedOptions> = {
  weights: checks.required(aFormat),
  embedding: aFormat,
  group: aGroup,
  rounding: checks.oneOf('plain', 'clipped'),
  activations: checks.oneOf('f32', 'int8', 'int7'),
  calibration: checks.list('a list of sequences of tokens', checks.tokens),
}

/** Throws OptionError for options that have nothing to act on. */
export function checkTogether({
  weights,
  embedding,
  group,
  activations,
  calibration,
}: QuantizedOptions): void {
  const areIntegers = weights === 'int8' || weights === 'int4'
  const fail = (option: string, got: unknown, expected: string): never => {
    throw new OptionError(`quantized: got ${option} ${String(got)} for weights in ${weights}; ${expected}`)
  }
  if (group !== undefined && weights !== 'int4' && embedding !== 'int4') {
    fail('group', group, 'expected none: only int4 has groups.')
  }
  if (activations !== undefined && activations !== 'f32' && !areIntegers) {
    fail('activations', activations, "expected 'f32', or weights in int8 or int4.")
  }
  if (calibration !== undefined && !areIntegers) {
    fail('a calibration text', '', 'expected none: only integers are rounded by it.')
  }
  if (calibration?.every(({ length }) => length === 0)) {
    throw new OptionError(
      'quantized: got no tokens as calibration; expected a few thousand, or no calibration.',
    )
  }
}
