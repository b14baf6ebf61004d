/** Damage of files, drawn at random. */
import type { RandomStream } from '@burgeon/tensor'

export const pick = <T>(random: RandomStream, list: readonly T[]): T => list[random.below(list.length)]

/** Another value, one of `odd`, somewhere in a JSON tree, or one key less. */
export function changed(value: unknown, odd: readonly unknown[], random: RandomStream): unknown {
  if (typeof value !== 'object' || value === null || random.below(4) === 0) return pick(random, odd)
  const entries = Object.entries(value)
  if (entries.length === 0) return pick(random, odd)
  const at = random.below(entries.length)
  const own = entries.flatMap(([key, old], i): (readonly [string, unknown])[] => {
    if (i !== at) return [[key, old]]
    return random.below(4) === 0 ? [] : [[key, changed(old, odd, random)]]
  })
  return Array.isArray(value) ? own.map(([, old]) => old) : Object.fromEntries(own)
}

/** Bytes with some others in the place of some, or cut; mostly in the first `header` of them. */
export function damaged(bytes: Uint8Array, header: number, random: RandomStream): Uint8Array {
  const end = random.below(3) === 0 ? bytes.length : Math.min(bytes.length, header)
  if (random.below(4) === 0) return bytes.slice(0, random.below(bytes.length + 1))
  const own = bytes.slice()
  for (let i = 0; i <= random.below(3); i++) own[random.below(end)] = random.below(256)
  return own
}
