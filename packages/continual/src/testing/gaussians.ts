/** Noise for made-up streams. */

/**
 * Standard normal numbers by Box and Muller (1958) from a 32-bit congruential generator; the same at every
 * call.
 */
export function gaussians(count: number): number[] {
  let seed = 20_07
  const uniform = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return (seed + 0.5) / 2 ** 32
  }
  return Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform()))
    return radius * Math.cos(2 * Math.PI * uniform())
  })
}
