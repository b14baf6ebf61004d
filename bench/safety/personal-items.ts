/**
 * Personal data that belongs to nobody, in sentences that say nothing of what it is. It is made from the public definition
 * of each format, and not from what looks for it.
 */
import { type Draw, drawer } from './drawing.ts'
import { calledPhone, formats, password } from './item-formats.ts'

/** A text, and where in it the item stands. */
export interface PlacedItem {
  readonly format: string
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Sentences around an item that say nothing of what it is. */
const around: readonly (readonly [before: string, after: string])[] = [
  ['It was ', ' as far as I remember.'],
  ['Please take ', ', not the other one'],
  ['', ''],
  ['He wrote (', ') on the back.'],
  ['old,', ',new'],
  ['17,', ',3'],
  ['{"value":"', '","rank":2}'],
  ['The first one: ', '; the second one is missing.'],
  ['<td>', '</td>'],
  ['2026-03-04 10:11:12 INFO got ', ' from the form'],
  ['Ich habe ', ' notiert.'],
]
const called: typeof around = [
  ['Tel: ', ''],
  ['phone ', ', evenings'],
  ['Call me at ', ' please.'],
  ['Mobile: ', '; work later'],
  ['Telefon: ', ''],
]

const placed = (format: string, before: string, item: string, after: string): PlacedItem => ({
  ...{ format, text: before + item + after, from: before.length, to: before.length + item.length },
})

/** So many items, in turn of every format. */
export function personalItems(count: number, seed: number): PlacedItem[] {
  const draw = drawer(seed, 'personal items')
  const entries = Object.entries(formats)
  return Array.from({ length: count }, (_, i) => {
    const at = i % (entries.length + 2)
    if (at === entries.length) {
      const [before, secret, after] = password(draw)
      return placed('password', before, secret, after)
    }
    if (at > entries.length) {
      const [before, after] = draw.of(called)
      return placed('phone, behind its name', before, calledPhone(draw), after)
    }
    const [format, make] = entries[at]
    const [before, after] = draw.of(around)
    return placed(format, before, make(draw), after)
  })
}

/** Puts something into a sentence that says nothing of what it is. */
export function inSentence(draw: Draw, format: string, item: string): PlacedItem {
  const [before, after] = draw.of(around)
  return placed(format, before, item, after)
}
