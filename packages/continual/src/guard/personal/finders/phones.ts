/** Telephone numbers: international ones (ITU-T E.164), and national ones in common forms. */
import { isGap, kinds, type Scan } from './scan.ts'
import { mayBeginAt, mayEndAt, type NumberGroups, numberAt } from './number-groups.ts'

/** Words before a number that make one of any digits. Each stands at the begin of a word. */
const words =
  /(?:^|[^a-z])(?:tel|tel\.|telephone|telefon|telefono|teléfono|téléphone|téléphonez au|phone|phone number|mobile|mobil|móvil|portable|mob|cell|handy|fax|call|ring|dial|sms|text me at|text|whatsapp|rückruf|anruf|ruf|rufnummer|hotline|contact|reach me at|тел|номер)[.:]?(?:\s?(?:no|nr|number|me|us|him|her|at|on|is|unter|under|au|al|:|-)[.:]?){0,3}\s{0,2}\(?$|(?:电话|手机|電話|携帯)[：:]?\s?$/u

/** How far before a number such a word is looked for. */
const reach = 36

/** Telephone numbers. */
export function findPhones(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    const code = scan.code(at)
    const isDigit = scan.is(at, kinds.digit)
    if (!isDigit && code !== 43 && code !== 40) continue
    if (!(isDigit ? mayBeginAt(scan, at) : !scan.isWord(at - 1))) {
      if (isDigit) at = scan.runTo(at, kinds.digit) - 1
      continue
    }
    const number = numberAt(scan, at)
    const to = number === null ? -1 : phoneEnd(scan, number)
    if (to > 0) {
      scan.add('phone', at, withExtension(scan, to))
      at = to - 1
    } else if (isDigit) at = scan.runTo(at, kinds.digit) - 1
  }
}

function phoneEnd(scan: Scan, number: NumberGroups): number {
  const { isInternational, groups } = number
  const counts = Array.from({ length: groups.length }, (_, i) => groups.length - i)
  const end = (isPhone: (count: number) => boolean): number => {
    const count = counts.find((own) => mayEndAt(scan, number.ends[own - 1]) && isPhone(own))
    return count === undefined ? -1 : number.ends[count - 1]
  }
  if (isInternational) return isWithin(scan, number.from) ? -1 : end((count) => isWorldwide(number, count))
  const isPiece = groups[0].length === 4 && isWithin(scan, number.from)
  const isNational =
    isPiece || !mayBeNational(number) ? -1 : end((count) => national.some((form) => form(number, count)))
  if (isNational > 0 || groups.join('').length < 6) return isNational
  return isCalled(scan, number.from) ? end((count) => isAnything(number, count)) : -1
}

/** Whether a zero goes on with a number in groups of four that began before it. */
const isWithin = (scan: Scan, at: number): boolean =>
  scan.code(at) === 48 && isGap(scan.code(at - 1)) && /\d{4}$/.test(scan.slice(at - 5, at - 1))

/** Whether one of the words stands before a place; where digits do, none is looked for. */
function isCalled(scan: Scan, at: number): boolean {
  for (let i = 1; i <= 3; i++) if (scan.is(at - i, kinds.digit)) return false
  return words.test(scan.before(at, reach))
}

/** Whether the first group is one of those that the forms below begin with. */
const mayBeNational = ({ groups: [first, second = ''], isInParentheses }: NumberGroups): boolean =>
  isInParentheses ||
  first[0] === '0' ||
  first.length === 3 ||
  ((first === '1' || first === '8') && second.length === 3)

const digitsOf = ({ groups }: NumberGroups, count: number): string => groups.slice(0, count).join('')
const lengthsOf = ({ groups }: NumberGroups, count: number): string =>
  groups
    .slice(0, count)
    .map(({ length }) => length)
    .join('-')
const gapsOf = ({ between }: NumberGroups, count: number): readonly string[] => between.slice(0, count - 1)

/** Two digits that no country's number begins with. */
const unassigned = new Set(['28', '83', '89'])

/** A country's number, and 8 to 15 digits in all; 11 of North America and Russia. */
function isWorldwide(number: NumberGroups, count: number): boolean {
  const own = {
    ...number,
    groups: number.groups.map((group, i) => (i === 1 && isTrunk(number) ? '' : group)),
  }
  const digits = digitsOf(own, count)
  if (digits[0] === '0' || unassigned.has(digits.slice(0, 2))) return false
  if (gapsOf(number, count).some((gap) => gap.includes('--') || gap.includes('//'))) return false
  if (digits[0] === '1' || digits[0] === '7') return digits.length === 11
  return digits.length >= 8 && digits.length <= 15
}

/** `+49 (0) 30 …`: the zero is for callers at home. */
const isTrunk = ({ groups, between }: NumberGroups): boolean =>
  groups[1] === '0' && between[0].includes('(') && (between[1] ?? '').includes(')')

/** Whether the first so many groups are a number as people at home write it. */
type Form = (number: NumberGroups, count: number) => boolean

/** North America: `(212) 555-1234`, `212-555-1234`, `1 212 555 1234`. */
const northAmerican: Form = (number, count) => {
  const lengths = lengthsOf(number, count)
  if (lengths !== '3-3-4' && lengths !== '1-3-3-4') return false
  const digits = digitsOf(number, count)
  const own = count === 3 ? digits : digits.slice(1)
  return (count === 3 || digits[0] === '1') && own[0] > '1' && own[3] > '1' && own.slice(1, 3) !== '11'
}

/** A zero before an area or a network: `030 123456`, `0171/2345678`, `01 23 45 67 89`, `(020) 7946 0958`. */
const withTrunk: Form = (number, count) => {
  const [first] = number.groups
  if (count < 2 || first[0] !== '0' || first[1] === '0' || first.length < 2 || first.length > 6) return false
  const { length } = digitsOf(number, count)
  const isPairs = number.groups.slice(0, count).every((group) => group.length === 2)
  if (isPairs) return count === 5 && isEven(number, count)
  if (count > 4 && !isPairs) return count <= 6 && length <= 11 && first.length >= 3
  return length >= 9 && length <= (count === 2 ? 12 : 11)
}

/** An area in parentheses: `(11) 91234-5678`, `(02) 9876 5432`. */
const inParentheses: Form = (number, count) => {
  const [area] = number.groups
  if (!number.isInParentheses || count < 2 || !number.between[0].includes(')')) return false
  const rest = digitsOf(number, count).length - area.length
  return area.length >= 2 && area.length <= 5 && !/^(?:19|20)\d\d$/.test(area) && rest >= 7 && rest <= 9
}

/** Mobile numbers of China, and of Russia with the 8 before. */
const byShape: Form = (number, count) => {
  const [first, second] = number.groups
  const lengths = lengthsOf(number, count)
  if (lengths === '3-4-4') return /^1[3-9]/.test(first) && isEven(number, count)
  return lengths === '1-3-3-2-2' && first === '8' && second !== undefined && /^[3489]/.test(second)
}

const national: readonly Form[] = [northAmerican, withTrunk, inParentheses, byShape]

const isEven = (number: NumberGroups, count: number): boolean =>
  gapsOf(number, count).every((gap) => gap === number.between[0])

/** Behind a word that says so. */
const isAnything: Form = (number, count) => {
  const { length } = digitsOf(number, count)
  return length >= 6 && length <= 15
}

/** With `ext. 12` or `x12` behind it. */
function withExtension(scan: Scan, to: number): number {
  let at = to
  while (isGap(scan.code(at)) || scan.code(at) === 44) at++
  const word = ['extension', 'ext.', 'ext', 'x'].find((each) => at - to <= 2 && scan.has(each, at, true))
  if (word === undefined) return to
  at += word.length
  if (isGap(scan.code(at))) at++
  const end = scan.runTo(at, kinds.digit, 6)
  return end > at && end - at <= 5 && !scan.isWord(end) ? end : to
}
