// Reaches inside: what is tested here is a part of its package, not an entry point.
/** The protocol of research/continual.md, section 2.7: twenty seeds, false alarms on 10,000 values, delay of a change at 1,000. */
import type { DriftDetector } from '../../packages/continual/src/drift/drift-detector.ts'
import { SeededStream } from './seeded-stream.ts'

type Source = (stream: SeededStream) => number

const seeds = Array.from({ length: 20 }, (_, k) => 1009 * (k + 1) + 17)

export const gaussian =
  (mean: number): Source =>
  (stream) =>
    mean + stream.gaussian()

export const bernoulli =
  (p: number): Source =>
  (stream) =>
    stream.bernoulli(p)

/** Alarms in 20 × 10,000 stationary values. */
export function falseAlarms(make: () => DriftDetector, source: Source): number {
  let alarms = 0
  for (const seed of seeds) {
    const [stream, detector] = [new SeededStream(seed), make()]
    for (let i = 0; i < 10_000; i++) if (detector.update(source(stream)).drift) alarms++
  }
  return alarms
}

/** Mean delay over the streams in which the change was reported within 1,000 values, and how many those are. */
export function delays(
  make: () => DriftDetector,
  before: Source,
  after: Source,
): { mean: number; detected: number } {
  const found = seeds.flatMap((seed) => {
    const [stream, detector] = [new SeededStream(seed), make()]
    for (let i = 0; i < 1000; i++) detector.update(before(stream))
    for (let i = 0; i < 1000; i++) if (detector.update(after(stream)).drift) return [i]
    return []
  })
  return { mean: found.reduce((sum, delay) => sum + delay, 0) / found.length, detected: found.length }
}
