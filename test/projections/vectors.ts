/** Gradients as plain vectors, and a memory whose rows stand for vectors, for projections that are tried without a model. */
import type { Batch, Projection, RowMemory } from '@burgeon/continual'
import { type Device, scope } from '@burgeon/tensor'
import { openReference } from '@burgeon/tensor/reference'

export type Vector = readonly number[]

export const dot = (a: Vector, b: Vector): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
export const norm = (a: Vector): number => Math.sqrt(dot(a, a))

/** A memory that has one row for each domain. */
export function memoryOf(domains: readonly string[]): RowMemory {
  return {
    name: 'a made-up memory',
    remember: () => {},
    sample: (rows): Batch | null =>
      domains.length === 0
        ? null
        : {
            rows: Math.min(rows, domains.length),
            length: 1,
            tokens: new Int32Array(2 * Math.min(rows, domains.length)),
            domains: domains.slice(0, rows),
          },
    toState: () => domains,
    restore: () => {},
  }
}

/**
 * What a projection makes of a gradient of two parameters, `a` [2, 2] and `b` with the rest.
 *
 * @param gradientOf The gradient of the rows of one domain; of several domains their mean is taken.
 */
export function projectedBy(
  projection: Projection,
  gradient: Vector,
  gradientOf: (domain: string) => Vector,
  device: Device = openReference(),
): number[] {
  return scope(() => {
    const tensors = (vector: Vector) => ({
      a: device.tensor(vector.slice(0, 4), { shape: [2, 2], dtype: 'f32' }),
      b: device.tensor(vector.slice(4), { shape: [vector.length - 4], dtype: 'f32' }),
    })
    const gradients = tensors(gradient)
    const gradientOn = (rows: object) => {
      const own = (rows as Batch).domains.map((domain) => gradientOf(domain))
      return tensors(gradient.map((_, i) => own.reduce((sum, x) => sum + x[i], 0) / own.length))
    }
    const result = projection.transform(gradients, { parameters: gradients, step: 0, gradientOn })
    return [...result.a.readSync(), ...result.b.readSync()]
  })
}
