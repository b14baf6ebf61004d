/**
 * Sums and maxima over a workgroup, by a tree in its shared memory: right for every size of subgroup, the
 * same bits at every run.
 */
import { mathFunctions } from './wgsl-math.ts'

/**
 * Declares `sumOfAll(x, local)` and `maxOfAll(x, local)`, which all of `size` invocations (a power of 2) call
 * together.
 */
export function workgroupSums(size: number): string {
  const tree = (
    name: string,
    join: (a: string, b: string) => string,
  ): string => `fn ${name}(x: f32, local: u32) -> f32 {
  workgroupBarrier();
  scratchpad[local] = x;
  for (var half = ${size / 2}u; half > 0u; half = half >> 1u) {
    workgroupBarrier();
    if (local < half) { scratchpad[local] = ${join('scratchpad[local]', 'scratchpad[local + half]')}; }
  }
  return workgroupUniformLoad(&scratchpad[0]);
}`
  return `${mathFunctions}
var<workgroup> scratchpad: array<f32, ${size}>;
${tree('sumOfAll', (a, b) => `${a} + ${b}`)}
${tree('maxOfAll', (a, b) => `maximum(${a}, ${b})`)}`
}
