/**
 * How kernels hold the factors of products in workgroup memory: as they are, or rounded to half precision.
 */
import type { Extension } from './wgsl.ts'

export interface Factors {
  /** Name that distinguishes programs. */
  readonly name: string
  /** Type of a factor. */
  readonly type: 'f32' | 'f16'
  readonly needs: readonly Extension[]
  /** Declares `rounded(x: vec4f)`, which returns a `vec4` of that type. */
  readonly declarations: string
}

export const singleFactors: Factors = {
  name: 'f32',
  type: 'f32',
  needs: [],
  declarations: 'fn rounded(x: vec4f) -> vec4f { return x; }',
}

// Numbers half a step beyond the largest, 65504, round to infinity. The conversion of WGSL may return any
// number there, but training has to see that a scaled gradient was too large.
const tooLarge = 'abs(x) >= vec4f(65520.0)'

export const halfFactors: Factors = {
  name: 'f16',
  type: 'f16',
  needs: ['half precision'],
  declarations: `fn rounded(x: vec4f) -> vec4<f16> {
  let above = bitcast<vec2<f16>>(0x7c007c00u | params.zero).xxxx;
  let below = bitcast<vec2<f16>>(0xfc00fc00u | params.zero).xxxx;
  return select(vec4<f16>(x), select(above, below, x < vec4f(0.0)), ${tooLarge});
}`,
}

/**
 * Half precision on an adapter without the type: right, but not faster. WGSL has `quantizeToF16`, which may
 * truncate; this rounds to the nearest, ties to even: eleven bits, or steps of 2⁻²⁴ below 2⁻¹⁴.
 */
export const quantizedFactors: Factors = {
  name: 'f16 in f32',
  type: 'f32',
  needs: [],
  declarations: `fn rounded(x: vec4f) -> vec4f {
  let above = vec4f(bitcast<f32>(0x7f800000u | params.zero));
  let below = vec4f(bitcast<f32>(0xff800000u | params.zero));
  let exponent = clamp(vec4i((bitcast<vec4u>(x) >> vec4u(23u)) & vec4u(255u)) - 127, vec4i(-14), vec4i(15));
  let perStep = bitcast<vec4f>(vec4u(137 - exponent) << vec4u(23u));
  let step = bitcast<vec4f>(vec4u(117 + exponent) << vec4u(23u));
  let finite = round(x * perStep) * step;
  return select(select(finite, select(above, below, x < vec4f(0.0)), ${tooLarge}), x, x != x);
}`,
}
