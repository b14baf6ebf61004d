/**
 * What looks like personal data and is not: identifiers, digests, books, dates, versions. Nothing in it is
 * touched.
 */
import { kinds, type Scan, shapeAt } from './scan.ts'

/** Fewest hexadecimal digits of a digest. */
const leastDigest = 16

/** UUIDs (RFC 9562), digests, and constants of programs in hexadecimal. */
export function findIdentifiers(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.hex) || !scan.isEdge(at)) continue
    const uuid = shapeAt(scan, 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', at)
    if (uuid > 0) {
      scan.add(null, at, uuid)
      at = uuid
      continue
    }
    const isConstant = scan.code(at) === 48 && (scan.code(at + 1) | 32) === 120
    const begin = isConstant ? at + 2 : at
    const to = scan.runTo(begin, kinds.hex)
    const isLong = to - begin >= leastDigest && hasBoth(scan, begin, to)
    if ((isConstant || isLong) && !scan.isWord(to)) scan.add(null, at, to)
    at = Math.max(at, to - 1)
  }
}

/** Whether letters and digits are among the first of a run. */
function hasBoth(scan: Scan, from: number, to: number): boolean {
  const text = scan.slice(from, Math.min(to, from + 256))
  return /\d/.test(text) && /[a-f]/i.test(text)
}

/** Digests and data in base64 that say what they are: `sha512-…`, `data:…;base64,…`. */
export function findDigests(scan: Scan): void {
  for (const sign of ['sha1-', 'sha256-', 'sha384-', 'sha512-', ';base64,']) {
    for (let at = scan.text.indexOf(sign); at >= 0; at = scan.text.indexOf(sign, at + 1)) {
      const to = scan.runTo(at + sign.length, kinds.token)
      scan.add(null, at, to)
      at = to
    }
    scan.steps += scan.length
  }
}

/** Numbers of books (ISO 2108): behind `ISBN`, or with the prefix of books and the check digit of EAN-13. */
export function findBooks(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    const isCalled = scan.has('isbn', at, true)
    const isBook = scan.has('978', at) || scan.has('979', at)
    if ((!isCalled && !isBook) || !scan.isEdge(at)) continue
    let place = at
    if (isCalled) {
      place += 4
      if (/^-?1[03]/.test(scan.slice(place, place + 3))) place += scan.code(place) === 45 ? 3 : 2
      while (place - at < 12 && /[:\s#]/.test(scan.slice(place, place + 1))) place++
    }
    let [to, digits] = [place, '']
    while (digits.length < 13 && to - place < 20) {
      const one = scan.slice(to, to + 1)
      if (/[\dXx]/.test(one)) digits += one
      else if (!/[- ]/.test(one)) break
      to++
    }
    const isWhole = isCalled ? digits.length >= 10 : digits.length === 13 && passesEan(digits)
    if (isWhole && !scan.isWord(to)) {
      scan.add(null, at, to)
      at = to
    }
  }
}

function passesEan(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < 13; i++) sum += Number(digits[i]) * (i % 2 === 0 ? 1 : 3)
  return sum % 10 === 0
}

const dateShapes = [
  ...['dddd-dd-dd', 'dddd/dd/dd', 'dddd.dd.dd', 'dd.dd.dddd', 'dd/dd/dddd', 'dd-dd-dddd'],
  ...['d.d.dddd', 'd/d/dddd', 'dd.d.dddd', 'd.dd.dddd', 'd/dd/dddd', 'dd/d/dddd'],
  ...['dddddddd-dddddd', 'ddddddddTdddddd', 'dddddddd_dddddd'],
]
const timeShapes = ['dd:dd:dd', 'dd:dd']

/** Dates (ISO 8601, and with days first or months first), with a time behind them. */
export function findDates(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.digit) || !scan.isEdge(at)) continue
    const ends = dateShapes.map((shape) => shapeAt(scan, shape, at)).filter((end) => end > 0)
    const to = ends.find((end) => !scan.is(end, kinds.digit) && isDate(scan.slice(at, end))) ?? -1
    if (to > 0) {
      const end = timeBehind(scan, to)
      scan.add(null, at, end)
      at = end - 1
    } else at = scan.runTo(at, kinds.digit) - 1
  }
}

function timeBehind(scan: Scan, to: number): number {
  if (scan.code(to) !== 84 && scan.code(to) !== 32) return to
  const begin = to + 1
  for (const shape of timeShapes) {
    let end = shapeAt(scan, shape, begin)
    if (end < 0 || scan.is(end, kinds.digit) || Number(scan.slice(begin, begin + 2)) > 23) continue
    if (scan.code(end) === 46) end = scan.runTo(end + 1, kinds.digit, 9)
    return end
  }
  return to
}

function isDate(text: string): boolean {
  const day = text.length === 15 ? text.replace(/^(\d{4})(\d\d)(\d\d).*/, '$1-$2-$3') : text
  const parts = day.split(/[-/.]/)
  const year = parts.find(({ length }) => length === 4) ?? ''
  const rest = parts.filter((part) => part !== year).map(Number)
  const [low, high] = [Math.min(...rest), Math.max(...rest)]
  return (
    /^(?:1[5-9]|20|21)/.test(year) && rest.length === 2 && low >= 1 && low <= 12 && high >= 1 && high <= 31
  )
}

/**
 * Versions of programs: numbers with dots behind `v` or a word that says so, or with a name of a state
 * behind.
 */
export function findVersions(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.digit)) continue
    const isAfterV = (scan.code(at - 1) | 32) === 118 && scan.isEdge(at - 1)
    let [to, dots] = [scan.runTo(at, kinds.digit), 0]
    if (isAfterV || scan.isEdge(at)) {
      while (dots < 6 && scan.code(to) === 46 && scan.is(to + 1, kinds.digit)) {
        to = scan.runTo(to + 1, kinds.digit)
        dots++
      }
      const state = dots > 1 && scan.code(to) === 45 ? scan.runTo(to + 1, kinds.token, 24) : to
      const isStated =
        state > to && /^-(?:alpha|beta|rc|dev|pre|next|canary|snapshot)/i.test(scan.slice(to, state))
      if (dots > 0 && (isAfterV || isStated)) scan.add(null, at, isStated ? state : to)
    }
    at = to - 1
  }
}
