/** Packs rows on WebGPU: halves by words, integers by rows. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { maxCode } from '../../packed/packed-form.ts'
import { sizeOf } from '../../shape.ts'
import { floatBits, roundingFunctions } from './round-rows.webgpu.ts'

export const packRowsWebGpu: WebGpuKernel<'packRows'> = (backend, [x], [out], { format }) => {
  const width = x.shape.at(-1) as number
  const words = out.shape.at(-1) as number
  const rows = sizeOf(x.shape.slice(0, -1))
  const isFloat = format === 'f16' || format === 'bf16'
  const program = backend.program(`packRows ${format}`, () => ({
    bindings: { x: 'read f32', to: 'write i32' },
    parameters: { count: 'u32', width: 'u32', words: 'u32' },
    declarations: isFloat ? floatBits[format] : roundingFunctions(maxCode(format)),
    body: isFloat ? floatBody : integerBody,
  }))
  const count = isFloat ? rows * words : rows
  backend.run(program, [x.buffer, out.buffer], [count, width, words], count)
}

const floatBody = `  if (index >= params.count) { return; }
  let row = index / params.words;
  let word = index % params.words;
  let first = 8u * (word / 4u) + word % 4u;
  var bits = 0u;
  if (first < params.width) { bits = floatBits(x[row * params.width + first]); }
  if (first + 4u < params.width) { bits |= floatBits(x[row * params.width + first + 4u]) << 16u; }
  to[index] = bitcast<i32>(bits);`

const integerBody = `  if (index >= params.count) { return; }
  let start = index * params.width;
  var largest = 0u;
  for (var i = 0u; i < params.width; i++) {
    largest = max(largest, bitcast<u32>(x[start + i]) & 0x7fffffffu);
  }
  let scale = scaleOf(largest);
  let at = index * params.words;
  to[at] = bitcast<i32>(scale);
  for (var word = 0u; word + 1u < params.words; word++) {
    var bits = 0u;
    for (var i = 0u; i < 4u; i++) {
      let place = 4u * word + i;
      if (place < params.width) {
        bits |= (bitcast<u32>(codeOf(x[start + place], scale)) & 0xffu) << (8u * i);
      }
    }
    to[at + 1u + word] = bitcast<i32>(bits);
  }`
