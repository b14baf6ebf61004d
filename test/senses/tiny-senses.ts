/** A small model with senses of every form, and rows of them. */
import { Gpt } from '@burgeon/gpt'
import { type AddSense, grow } from '@burgeon/gpt/growth'
import type { Device, RandomStream, Tensor } from '@burgeon/tensor'

/** Pictures of 5×6 pixels, whose patches are smaller at the edges; sound of open length; series with a header. */
export const someSenses: readonly AddSense[] = [
  {
    kind: 'addSense',
    name: 'picture',
    patches: [16, 8, 4, 2],
    columns: 2,
    frames: 1,
    localEmbed: 16,
    byteEmbed: 4,
    besideEmbed: 6,
    mixing: 3,
  },
  { kind: 'addSense', name: 'sound', patches: [5], columns: 1 },
  { kind: 'addSense', name: 'series', patches: [2], columns: 1, header: 20 },
  { kind: 'addSense', name: 'film', patches: [3, 3], columns: 2, frames: 2 },
]

export const tinySizes = { context: 24, embed: 8, heads: 2, layers: 2, mlpHidden: 12 }

/** A model with all of them: tokens 256 picture, 257 and 258 sound and its end, 259 and 260 series, 261 film. */
export async function tinyModel(device: Device, seed = 1): Promise<Gpt> {
  const model = Gpt.create(tinySizes, { device, seed })
  for (const [i, request] of someSenses.entries()) await grow(model, request, { mirrors: [], key: [seed, i] })
  return model
}

/** Random bytes, so many. */
export const bytesOf = (random: RandomStream, count: number): number[] =>
  Array.from({ length: count }, () => random.below(256))

/** Rows of all forms: with text before, behind and between, whole and cut short. */
export function someRows(random: RandomStream): readonly (readonly number[])[] {
  const bytes = (count: number): number[] => bytesOf(random, count)
  return [
    [256, ...bytes(30), 10, 11, 12],
    [7, 8, 256, ...bytes(30), 9, 256, ...bytes(19)],
    [257, ...bytes(13), 258, 3, 4],
    [259, ...bytes(20), ...bytes(6), 260, 5],
    [1, 261, ...bytes(12), 2, 3, 257, ...bytes(7)],
    [2, 257, ...bytes(5), 256, ...bytes(16)],
    [259, ...bytes(12)],
    bytes(20),
  ]
}

/** Rows of one length, cut from some, on a device. */
export function tokensOn(device: Device, rows: readonly (readonly number[])[]): Tensor {
  const length = Math.min(...rows.map((row) => row.length))
  const all = rows.flatMap((row) => row.slice(0, length))
  return device.tensor(all, { shape: [rows.length, length], dtype: 'i32' })
}
