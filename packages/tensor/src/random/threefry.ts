export type Key = readonly [number, number]
const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]]
function threefry2x32(key: Key, a: number, b: number): [number, number] {
  const ks = [key[0] | 0, key[1] | 0, key[0] ^ key[1] ^ 0x1bd11bda]
  let x0 = (a + ks[0]) | 0
  let x1 = (b + ks[1]) | 0
  for (let i = 0; i < 5; i++) {
    for (const r of rotations[i % 2]) {
      x0 = (x0 + x1) | 0
      x1 = (x1 << r) | (x1 >>> (32 - r))
      x1 ^= x0
    }
    x0 = (x0 + ks[(i + 1) % 3]) | 0
    x1 = (x1 + ks[(i + 2) % 3] + i + 1) | 0
  }
  return [x0 >>> 0, x1 >>> 0]
}
export function keyFromSeed(seed: number): Key { return [Math.floor(seed / 2 ** 32), seed >>> 0] }
export function split(key: Key, n: number): Key[] { return Array.from({ length: n }, (_, i) => threefry2x32(key, 0, i)) }
export function foldIn(key: Key, data: number): Key { return threefry2x32(key, 0, data) }
export function bits(key: Key, i: number): number { const [a, b] = threefry2x32(key, Math.floor(i / 2 ** 32), i >>> 0); return (a ^ b) >>> 0 }
export function fillBits(key: Key, out: Uint32Array, start = 0): void { for (let i = 0; i < out.length; i++) out[i] = bits(key, start + i) }
