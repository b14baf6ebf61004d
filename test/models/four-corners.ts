import type { LabelledExamples } from '@burgeon/continual'

/** Points around four corners, of which each is a class. */
export function points(rows: number, first: number): LabelledExamples {
  const targets = Float32Array.from({ length: rows }, (_, i) => i % 4)
  const inputs = Float32Array.from({ length: 2 * rows }, (_, i) => {
    const corner = (((i >> 1) % 4) >> (i % 2)) & 1
    return 2 * corner - 1 + 0.5 * Math.sin((first + i) ** 2)
  })
  return { rows, inputs, targets }
}
