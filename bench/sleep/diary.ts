/** Text of a diary without an end: something to learn in each line, and a number that nobody can know. */
import { keyFromSeed, RandomStream } from '@burgeon/tensor'

const names = ['Melkin', 'Orda', 'Tesset', 'Ulm', 'Vardy', 'Ixil', 'Perran', 'Zoe']
const places = ['the harbor', 'the hill', 'the mill', 'the long bridge', 'the market']
const deeds = ['waits at', 'walks to', 'comes from', 'dreams of']

/** A line by its number, of 65 bytes: as many predictions as a step of the life has. */
export function textAt(i: number): string {
  const random = new RandomStream(keyFromSeed(i + 1))
  const one = (list: readonly string[]): string => list[random.below(list.length)]
  return `${one(names)} ${one(deeds)} ${one(places)}, ${one(names)} ${one(deeds)} it too, ${random.below(1e6)}.`
    .padEnd(65)
    .slice(0, 65)
}
