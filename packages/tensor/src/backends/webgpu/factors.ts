/** How kernels hold the factors of products in workgroup memory: as they are, or rounded to half precision. */
import type { Extension } from './wgsl.ts'

export interface Factors {
  /** Distinguishes programs. */
  readonly name: string
  /** Type of a factor. */
  readonly type: 'f32' | 'f16'
  readonly needs: readonly Extension[]
  /** Declares `rounded(x: vec4f)`, which gives a `vec4` of that type. */
  readonly declarations: string
}

export const singleFactors: Factors = {
  ...{ name: 'f32', type: 'f32', needs: [] },
  declarations: 'fn rounded(x: vec4f) -> vec4f { return x; }',
}

// What lies half a step beyond the largest number, 65504, rounds to infinity. The conversion of WGSL may answer anything there,
// but training has to see that a scaled slope was too large.
const tooLarge = 'abs(x) >= vec4f(65520.0)'

export const halfFactors: Factors = {
  ...{ name: 'f16', type: 'f16', needs: ['half precision'] },
  declarations: `fn rounded(x: vec4f) -> vec4<f16> {
  let above = bitcast<vec2<f16>>(0x7c007c00u | params.zero).xxxx;
  let below = bitcast<vec2<f16>>(0xfc00fc00u | params.zero).xxxx;
  return select(vec4<f16>(x), select(above, below, x < vec4f(0.0)), ${tooLarge});
}`,
}

/** The same numbers where the adapter has no type for them: right, but not faster. */
export const quantisedFactors: Factors = {
  ...{ name: 'f16 in f32', type: 'f32', needs: [] },
  declarations: `fn rounded(x: vec4f) -> vec4f {
  let above = vec4f(bitcast<f32>(0x7f800000u | params.zero));
  let below = vec4f(bitcast<f32>(0xff800000u | params.zero));
  let finite = quantizeToF16(clamp(x, vec4f(-65504.0), vec4f(65504.0)));
  return select(select(finite, select(above, below, x < vec4f(0.0)), ${tooLarge}), x, x != x);
}`,
}
