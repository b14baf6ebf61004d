/** Reads packed numbers in WGSL. */
import { blockSize, type PackedForm, type PackedFormat } from '../../packed/packed-form.ts'

/** Numbers that a word of codes holds. */
export const perWord = (format: PackedFormat): number => {
  if (format === 'int4') return 8
  return format === 'int8' || format === 'int7' ? 4 : 2
}

/**
 * Declares `placeOf(word, i)`: where number i of a word of codes is in its row, and `numberOf(row, word, i)`:
 * the number, of a row that begins at word `row` of the binding `packed`. Its parameters are the kernel's
 * `headerWords`.
 */
export function decodingFunctions({ format, group = blockSize }: PackedForm): string {
  const bits = 'let bits = bitcast<u32>(packed[row + params.headerWords + word]);'
  if (format === 'int4') {
    return `fn placeOf(word: u32, i: u32) -> u32 {
  return 32u * (word / 4u) + 4u * (word % 4u) + (i & 3u) + 16u * (i >> 2u);
}
fn numberOf(row: u32, word: u32, i: u32) -> f32 {
  ${bits}
  let pair = bitcast<u32>(packed[row + 32u * (word / 4u) / ${group}u]);
  let code = (bits >> (8u * (i & 3u) + 4u * (i >> 2u))) & 15u;
  return bitcast<f32>(pair << 16u) * f32(code) + bitcast<f32>(pair & 0xffff0000u);
}`
  }
  if (format === 'int8' || format === 'int7') {
    return `fn placeOf(word: u32, i: u32) -> u32 { return 4u * word + i; }
fn numberOf(row: u32, word: u32, i: u32) -> f32 {
  ${bits}
  return bitcast<f32>(packed[row]) * f32(extractBits(bitcast<i32>(bits), 8u * i, 8u));
}`
  }
  const number = format === 'bf16' ? 'bitcast<f32>(half << 16u)' : 'halfOf(half)'
  return `${format === 'f16' ? halfOf : ''}
fn placeOf(word: u32, i: u32) -> u32 { return 8u * (word / 4u) + word % 4u + 4u * i; }
fn numberOf(row: u32, word: u32, i: u32) -> f32 {
  ${bits}
  let half = (bits >> (16u * i)) & 0xffffu;
  return ${number};
}`
}

const halfOf = `fn halfOf(half: u32) -> f32 {
  let sign = (half & 0x8000u) << 16u;
  let magnitude = half & 0x7fffu;
  if (magnitude < 0x0400u) {
    let small = f32(magnitude) * bitcast<f32>(0x33800000u);
    return bitcast<f32>(bitcast<u32>(small) | sign);
  }
  return bitcast<f32>(sign | ((magnitude << 13u) + select(0x70000000u, 0x38000000u, magnitude < 0x7c00u)));
}`
