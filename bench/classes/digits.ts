/** MNIST as labelled examples. */
import { join } from 'node:path'
import type { LabelledExamples } from '@burgeon/continual'
import { mnistFiles, readIdx } from '../training/idx-files.ts'

/** Brightness in [0, 1], 784 of each digit, and its class. */
export function digitsOf(folder: string, set: keyof typeof mnistFiles): LabelledExamples {
  const targets = Float32Array.from(readIdx(join(folder, mnistFiles[set].labels)).bytes)
  const { bytes } = readIdx(join(folder, mnistFiles[set].images))
  return { rows: targets.length, inputs: Float32Array.from(bytes, (x) => x / 255), targets }
}

/** The first examples of each class, so many. */
export function fewOfEach(data: LabelledExamples, each: number): LabelledExamples {
  const width = data.inputs.length / data.rows
  const seen = new Map<number, number>()
  const kept = Array.from(data.targets.keys()).filter((i) => {
    const count = (seen.get(data.targets[i]) ?? 0) + 1
    seen.set(data.targets[i], count)
    return count <= each
  })
  const inputs = new Float32Array(kept.length * width)
  kept.forEach((i, row) => inputs.set(data.inputs.subarray(i * width, (i + 1) * width), row * width))
  return { rows: kept.length, inputs, targets: Float32Array.from(kept, (i) => data.targets[i]) }
}
