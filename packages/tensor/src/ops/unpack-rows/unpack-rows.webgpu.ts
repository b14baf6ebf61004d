/** Unpacks rows on WebGPU, word by word. */
import type { WebGpuKernel } from '../../backends/webgpu/webgpu-backend.ts'
import { headerWords } from '../../packed/packed-form.ts'
import { sizeOf } from '../../shape.ts'
import { decodingFunctions, perWord } from './decode.webgpu.ts'

export const unpackRowsWebGpu: WebGpuKernel<'unpackRows'> = (backend, [packed], [out], attrs) => {
  const { format, group, width } = attrs
  const program = backend.program(`unpackRows ${format} ${group}`, () => ({
    bindings: { packed: 'read i32', to: 'write f32' },
    parameters: { count: 'u32', width: 'u32', words: 'u32', headerWords: 'u32' },
    declarations: decodingFunctions(attrs),
    body: `  if (index >= params.count) { return; }
  let codes = params.words - params.headerWords;
  let row = index / codes;
  let word = index % codes;
  for (var i = 0u; i < ${perWord(format)}u; i++) {
    let place = placeOf(word, i);
    if (place < params.width) { to[row * params.width + place] = numberOf(row * params.words, word, i); }
  }`,
  }))
  const words = packed.shape.at(-1) as number
  const header = headerWords(attrs, width)
  const count = sizeOf(packed.shape.slice(0, -1)) * (words - header)
  backend.run(program, [packed.buffer, out.buffer], [count, width, words, header], count)
}
