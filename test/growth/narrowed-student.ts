/** A model that has lost units of one block, and text by the model that has them: it is known what is missing. */
import type { TokenBatch } from '@burgeon/continual'
import { Gpt, type GptState, gptConfig, parameterSpecs } from '@burgeon/gpt'
import { type Device, type RandomStream, scope, sizeOf } from '@burgeon/tensor'
import { drawFrom } from './tiny-model.ts'

const [vocabulary, context, rows] = [16, 16, 64]
/** Hidden units of every block, and how many of them are left in the narrow one. */
const [units, left] = [32, 4]

/**
 * The first block attends to nothing, and the second does: so what each MLP reads differs, and what one lacks the other cannot see as well.
 *
 * @param narrow The block that has lost units, 0 or 1.
 */
export function narrowedStudent(
  device: Device,
  seed: number,
  narrow: number,
): { student: Gpt; batch: TokenBatch } {
  const random = drawFrom(seed)
  const config = gptConfig({ vocabulary, context, embed: 16, heads: 2, layers: 2, mlpHidden: units })
  const deviationOf = (path: string): number =>
    path.endsWith('bias') || path.startsWith('blocks.b0.attention.output')
      ? 0
      : path.startsWith('blocks.b1.attention.output')
        ? 0.1
        : 0.4
  const weights: GptState['weights'] = Object.fromEntries(
    parameterSpecs(config).map(({ path, shape }) => {
      const number = (): number => (path.endsWith('.gain') ? 1 : deviationOf(path) * random.normal())
      return [path, { shape, data: Float32Array.from({ length: sizeOf(shape) }, number) }]
    }),
  )
  const teacher = Gpt.fromState({ config, weights }, device)
  const tokens = textBy(teacher, random)
  teacher.dispose()
  const blocks = config.blocks.map((block, i) => (i === narrow ? { ...block, mlpHidden: left } : block))
  const small = { ...config, blocks }
  const kept = parameterSpecs(small).map(({ path, shape }): [string, GptState['weights'][string]] => {
    const { data } = weights[path]
    const isColumns = path.endsWith('up.weight') && data.length > sizeOf(shape)
    const at = (i: number): number => (isColumns ? Math.floor(i / left) * units + (i % left) : i)
    return [path, { shape, data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => data[at(i)]) }]
  })
  const student = Gpt.fromState({ config: small, weights: Object.fromEntries(kept) }, device)
  const domains = new Array<string>(rows).fill('teacher')
  return { student, batch: { rows, length: context, tokens, domains } }
}

/** Rows of `context + 1` tokens, each drawn from what the model predicts after those before it. */
function textBy(model: Gpt, random: RandomStream): Int32Array {
  const text = new Int32Array(rows * (context + 1))
  for (let row = 0; row < rows; row++) text[row * (context + 1)] = random.below(vocabulary)
  for (let length = 1; length <= context; length++) {
    const past = Array.from({ length: rows }, (_, row) => [
      ...text.slice(row * (context + 1), row * (context + 1) + length),
    ]).flat()
    const logits = scope(() => {
      const tokens = model.device.tensor(past, { shape: [rows, length], dtype: 'i32' })
      return model.forward(tokens).readSync().slice()
    })
    for (let row = 0; row < rows; row++) {
      const last = (row * length + length - 1) * vocabulary
      const weights = [...logits.slice(last, last + vocabulary)].map(Math.exp)
      let rest = random.uniform() * weights.reduce((a, b) => a + b, 0)
      const next = weights.findIndex((weight) => (rest -= weight) < 0)
      text[row * (context + 1) + length] = Math.max(0, next)
    }
  }
  return text
}
