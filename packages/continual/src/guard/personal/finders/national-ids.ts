/** Numbers that states give to people: by their form and, where there is one, their check digit. */
import { passesLuhn } from './bank-numbers.ts'
import { kinds, type Scan, shapeAt } from './scan.ts'
import { mayBeginAt, mayEndAt } from './number-groups.ts'

/** A number that a state gives. */
interface NationalId {
  /** How it is written; see `shapeAt`. */
  readonly shapes: readonly string[]
  /** Judges its digits and capital letters. */
  readonly accepts: (id: string) => boolean
  /** What has to stand before it, where its form alone is too common. */
  readonly after?: RegExp
}

const sumOf = (digits: string, weights: readonly number[]): number =>
  weights.reduce((sum, weight, i) => sum + weight * Number(digits[i]), 0)

const isDay = (month: string, day: string): boolean =>
  Number(month) >= 1 && Number(month) <= 12 && Number(day) >= 1 && Number(day) <= 31

/** Check digits of the Cadastro de Pessoas Físicas: each modulo 11. */
function isCpf(id: string): boolean {
  const check = (count: number): number => {
    const rest =
      (sumOf(
        id,
        Array.from({ length: count }, (_, i) => count + 1 - i),
      ) *
        10) %
      11
    return rest === 10 ? 0 : rest
  }
  return !/^(\d)\1*$/.test(id) && check(9) === Number(id[9]) && check(10) === Number(id[10])
}

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE'
const isDni = (id: string): boolean => dniLetters[Number(id.slice(0, 8)) % 23] === id[8]
const isNie = (id: string): boolean => isDni(`${'XYZ'.indexOf(id[0])}${id.slice(1)}`)

const odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]

/** The letter at the end of a codice fiscale (decreto ministeriale 23/12/1976). */
function isCodiceFiscale(id: string): boolean {
  let sum = 0
  for (let i = 0; i < 15; i++) {
    const value = parseInt(id[i], 36)
    const own = value < 10 ? value : value - 10
    sum += i % 2 === 0 ? odd[own] : own
  }
  return String.fromCharCode(65 + (sum % 26)) === id[15]
}

const isPesel = (id: string): boolean =>
  (10 - (sumOf(id, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10)) % 10 === Number(id[10]) &&
  isDay(String(Number(id.slice(2, 4)) % 20), id.slice(4, 6))

/** 97 less the remainder of the first 13 digits; 2A and 2B of Corsica count as 19 and 18. */
const isNir = (id: string): boolean =>
  /^[12]/.test(id) && 97 - (Number(id.slice(0, 13)) % 97) === Number(id.slice(13))

const isPersonnummer = (id: string): boolean => {
  const own = id.slice(-10)
  return isDay(own.slice(2, 4), own.slice(4, 6)) && passesLuhn(own)
}

const hetuLetters = '0123456789ABCDEFHJKLMNPRSTUVWXY'
/** Day, month, year, a sign of the century that may be a letter, three digits and a check sign. */
const isHetu = (id: string): boolean =>
  isDay(id.slice(2, 4), id.slice(0, 2)) &&
  hetuLetters[Number(id.slice(0, 6) + id.slice(-4, -1)) % 31] === id.at(-1)

const isRijksregister = (id: string): boolean => {
  const [own, check] = [id.slice(0, 9), Number(id.slice(9))]
  return [own, `2${own}`].some((digits) => 97 - (Number(digits) % 97) === check)
}

const isResident = (id: string): boolean =>
  isDay(id.slice(10, 12), id.slice(12, 14)) &&
  /^(?:19|20)/.test(id.slice(6)) &&
  '10X98765432'[sumOf(id, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11] === id[17]

/** The dihedral group of ten elements, and its permutation (Verhoeff 1969). */
const times = (a: number, b: number): number =>
  a < 5 ? (b < 5 ? (a + b) % 5 : 5 + ((a + b) % 5)) : b < 5 ? 5 + ((a - b) % 5) : (a - b + 5) % 5
const permuted = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

function passesVerhoeff(digits: string): boolean {
  let check = 0
  for (let i = 0; i < digits.length; i++) {
    let digit = Number(digits[digits.length - 1 - i])
    for (let turns = i % 8; turns > 0; turns--) digit = permuted[digit]
    check = times(check, digit)
  }
  return check === 0
}

/** ISO 7064, MOD 11,10, with the check digit last. */
function isSteuerId(id: string): boolean {
  let product = 10
  for (let i = 0; i < 10; i++) {
    const sum = (Number(id[i]) + product) % 10 || 10
    product = (sum * 2) % 11
  }
  return id[0] !== '0' && (11 - product) % 10 === Number(id[10])
}

const isAhv = (id: string): boolean =>
  (10 - (sumOf(id, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]) % 10)) % 10 === Number(id[12])

const isSsn = (id: string): boolean =>
  !/^(?:000|666|9)/.test(id) && id.slice(3, 5) !== '00' && id.slice(5) !== '0000'

const isNino = (id: string): boolean =>
  !/^(?:BG|GB|NK|KN|TN|NT|ZZ)/.test(id) && !/^[DFIQUV]|^.[DFIQUVO]/.test(id) && /[A-D]$/.test(id)

const nationalIds: readonly NationalId[] = [
  // United States, Brazil, Spain, Italy.
  { shapes: ['ddd-dd-dddd', 'ddd dd dddd'], accepts: isSsn },
  { shapes: ['ddddddddd'], accepts: isSsn, after: /\b(?:ssn|social security)\b.{0,12}$/ },
  { shapes: ['ddd.ddd.ddd-dd'], accepts: isCpf },
  { shapes: ['ddddddddddd'], accepts: isCpf, after: /\bcpf\b.{0,12}$/ },
  { shapes: ['ddddddddA', 'dddddddd-A'], accepts: isDni },
  { shapes: ['AdddddddA', 'A-ddddddd-A', 'Addddddd-A'], accepts: (id) => /^[XYZ]/.test(id) && isNie(id) },
  { shapes: ['AAAAAAddAddAdddA', 'AAA AAA ddAdd AdddA'], accepts: isCodiceFiscale },
  // Poland, France, Sweden, Finland, Belgium.
  { shapes: ['ddddddddddd'], accepts: isPesel, after: /\bpesel\b.{0,12}$/ },
  { shapes: ['ddddddddddddddd', 'd dd dd dd ddd ddd dd'], accepts: isNir },
  { shapes: ['dddddd-dddd', 'dddddddd-dddd'], accepts: isPersonnummer },
  { shapes: ['dddddd-dddA', 'ddddddAdddA', 'dddddd-dddd'], accepts: isHetu },
  { shapes: ['dd.dd.dd-ddd.dd'], accepts: isRijksregister },
  // China, India, Germany, Switzerland, United Kingdom.
  { shapes: ['dddddddddddddddddd', 'dddddddddddddddddA'], accepts: isResident },
  { shapes: ['dddd dddd dddd', 'dddd-dddd-dddd'], accepts: isAadhaar },
  { shapes: ['dddddddddddd'], accepts: isAadhaar, after: /\b(?:aadhaar|uidai|uid)\b.{0,12}$/ },
  {
    shapes: ['ddddddddddd', 'dd ddd ddd ddd'],
    accepts: isSteuerId,
    after: /(?:steuer|tax|idnr|identifikationsnummer|tin\b).{0,20}$/,
  },
  { shapes: ['ddd.dddd.dddd.dd'], accepts: (id) => id.startsWith('756') && isAhv(id) },
  { shapes: ['AA dd dd dd A', 'AAddddddA'], accepts: isNino },
]

function isAadhaar(id: string): boolean {
  return id[0] > '1' && passesVerhoeff(id)
}

/** How far before a number is looked for what it is called. */
const reach = 40

/** Numbers of people in eighteen forms of fourteen countries. */
export function findNationalIds(scan: Scan): void {
  const begin = kinds.digit | kinds.upper
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, begin) || !scan.isEdge(at)) continue
    if (mayBeginAt(scan, at)) {
      let longest = -1
      for (const { shapes, accepts, after } of nationalIds) {
        for (const shape of shapes) {
          const to = shapeAt(scan, shape, at)
          if (to <= longest || !mayEndAt(scan, to)) continue
          if (!accepts(scan.slice(at, to).replace(/[^0-9A-Z]/g, ''))) continue
          if (after === undefined || after.test(scan.before(at, reach))) longest = to
        }
      }
      if (longest > 0) scan.add('national-id', at, longest)
    }
    at = scan.runTo(at, kinds.digit | kinds.upper | kinds.lower) - 1
  }
}
