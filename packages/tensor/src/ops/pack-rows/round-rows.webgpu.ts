/**
 * Rounding of numbers to codes in WGSL: the arithmetic of `packed/round-row.ts`. A division may be off by a
 * few units here; the comparisons after it are exact.
 */
import { scaleMask, smallestRow } from '../../packed/round-row.ts'
import { literal } from '../../backends/webgpu/wgsl/wgsl-math.ts'

/**
 * Declares `scaleOf(largest)`, of the bits of the largest magnitude, and `codeOf(x, scale)`.
 *
 * @param max The largest code.
 */
export function roundingFunctions(max: number): string {
  return `fn scaleOf(largest: u32) -> f32 {
  let scale = bitcast<f32>(largest) * ${literal(Math.fround(1 / max))};
  let rounded = bitcast<f32>((bitcast<u32>(scale) + ${scaleMask}u) & ${~scaleMask >>> 0}u);
  let seen = select(rounded, 0.0, bitcast<f32>(largest) < ${literal(smallestRow)});
  return select(seen, ${literal(Number.NaN)}, largest >= 0x7f800000u);
}
fn codeOf(x: f32, scale: f32) -> i32 {
  if ((bitcast<u32>(scale) & 0x7fffffffu) - 1u >= 0x7f7fffffu) { return 0; }
  let magnitude = abs(x);
  let half = scale * 0.5;
  let code = min(i32(floor(magnitude / scale + 0.5)), ${max});
  let isMore = f32(2 * code + 1) * half <= magnitude;
  let isLess = f32(2 * code - 1) * half > magnitude;
  let exact = min(code + select(0, 1, isMore) - select(0, 1, isLess), ${max});
  return select(exact, -exact, x < 0.0);
}`
}

/** Declares `floatBits(x)`: the 16 bits of a half or a brain float, as `packed/half-floats.ts`. */
export const floatBits: Readonly<Record<'f16' | 'bf16', string>> = {
  bf16: `fn floatBits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let isNaN = (bits & 0x7fffffffu) > 0x7f800000u;
  return select((bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u, (bits >> 16u) | 0x40u, isNaN);
}`,
  f16: `fn floatBits(x: f32) -> u32 {
  let bits = bitcast<u32>(x);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= 0x47800000u) { return sign | 0x7c00u; }
  if (magnitude < 0x38800000u) {
    return sign | (bitcast<u32>(bitcast<f32>(magnitude) + 0.5) - 0x3f000000u);
  }
  return sign | ((magnitude + 0xfffu + ((magnitude >> 13u) & 1u) - 0x38000000u) >> 13u);
}`,
}
