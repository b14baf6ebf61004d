/** Draws of gamma distributions. */
import type { RandomStream } from '@burgeon/tensor'

/**
 * A draw of the gamma distribution of a shape > 0 and scale 1, whose mean is the shape: by rejection from a cubed normal
 * (Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables"); below a shape of 1 from that of one more
 * (ibid., section 6).
 */
export function gammaDraw(random: RandomStream, shape: number): number {
  if (shape < 1) return gammaDraw(random, shape + 1) * (1 - random.uniform()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = random.normal()
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}
