/** Numbers as people write them: groups of digits with something between. */
import { isGap, isHyphen, kinds, type Scan } from './scan.ts'

/** A number in groups. */
export interface NumberGroups {
  readonly from: number
  /** Whether `+` or `00` stands before it. */
  readonly isInternational: boolean
  /** Digits of each group; those of an international number without its prefix. */
  readonly groups: readonly string[]
  /** What stands before each group but the first, with every kind of blank as ` ` and of hyphen as `-`. */
  readonly between: readonly string[]
  /** Where each group ends. */
  readonly ends: readonly number[]
  /** Whether the first group stands in parentheses. */
  readonly isInParentheses: boolean
}

/** Most groups and digits that are read from one place on. */
const [mostGroups, mostDigits, mostBetween] = [8, 24, 3]

/** The number that begins at a place; null if none does. */
export function numberAt(scan: Scan, at: number): NumberGroups | null {
  let place = at
  let isInternational = false
  if (scan.code(place) === plus) {
    isInternational = true
    place++
  } else if (scan.has('00', place) && scan.is(place + 2, kinds.digit) && scan.code(place + 2) !== zero) {
    isInternational = true
    place += 2
  }
  const isInParentheses = scan.code(place) === open
  if (isInParentheses) place++
  const [groups, between, ends]: [string[], string[], number[]] = [[], [], []]
  let [total, gap] = [0, '']
  while (groups.length < mostGroups && total <= mostDigits) {
    const to = scan.runTo(place, kinds.digit, mostDigits + 1)
    if (to === place) break
    if (groups.length > 0) between.push(gap)
    groups.push(scan.slice(place, to))
    ends.push(to)
    total += to - place
    gap = ''
    place = to
    while (gap.length < mostBetween) {
      const sign = signOf(scan.code(place))
      if (sign === '') break
      gap += sign
      place++
    }
    if (gap === '') break
  }
  return groups.length === 0 ? null : { from: at, isInternational, groups, between, ends, isInParentheses }
}

const [plus, zero, open] = [43, 48, 40]

function signOf(code: number): string {
  if (isGap(code)) return ' '
  if (isHyphen(code)) return '-'
  return code === 46 || code === 47 || code === 40 || code === 41 ? String.fromCharCode(code) : ''
}

/** Whether a number may begin at a place: what stands before belongs to no other number or word. */
export function mayBeginAt(scan: Scan, at: number): boolean {
  if (!scan.isEdge(at)) return false
  const before = scan.code(at - 1)
  // `.5`, `#12`, `$12`, `/12`, `-12`, and what a sign of percent encodes.
  if ((before === 46 || isHyphen(before)) && scan.isWord(at - 2)) return false
  return !(before === 47 || before === 35 || before === 36 || before === 37 || before === 43)
}

/** Whether a number may end before a place. */
export function mayEndAt(scan: Scan, at: number): boolean {
  if (scan.isWord(at)) return false
  const after = scan.code(at)
  const isPart = after === 46 || isHyphen(after) || after === 58 || after === 47
  return !(isPart && scan.is(at + 1, kinds.digit)) && after !== 37
}
