/** Numbers of payment cards (ISO/IEC 7812) and of bank accounts (ISO 13616). */
import { isGap, isHyphen, kinds, type Scan } from './scan.ts'
import { mayBeginAt, mayEndAt, type NumberGroups, numberAt } from './number-groups.ts'

/** Groups in which cards are written, beside all digits at once. */
const cardGroups = ['4444', '4443', '44441', '44442', '44443', '465', '464', '4543']

/** Numbers of cards: an issuer's prefix, a length that it gives out, and Luhn's check digit. */
export function findCards(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    if (!scan.is(at, kinds.digit) || !mayBeginAt(scan, at)) continue
    const group = scan.runTo(at, kinds.digit)
    const number = group - at >= 4 ? numberAt(scan, at) : null
    const to = number === null ? -1 : cardEnd(scan, number)
    if (to > 0) scan.add('card', at, to)
    at = Math.max(to, group) - 1
  }
}

function cardEnd(scan: Scan, { groups, between, ends }: NumberGroups): number {
  const isWhole = (count: number): boolean =>
    mayEndAt(scan, ends[count - 1]) && isCard(groups.slice(0, count).join(''))
  for (let count = Math.min(groups.length, 5); count > 1; count--) {
    const own = between.slice(0, count - 1)
    const isEven = own.every((gap) => gap === own[0]) && (own[0] === ' ' || own[0] === '-')
    const lengths = groups.slice(0, count).map(({ length }) => length)
    if (isEven && cardGroups.includes(lengths.join('')) && isWhole(count)) return ends[count - 1]
  }
  return isWhole(1) ? ends[0] : -1
}

/** First digits of cards, from and to, and how many digits they can have. */
const issuers: readonly (readonly [from: number, to: number, lengths: readonly number[]])[] = [
  [4000, 4999, [16, 19]],
  [5100, 5599, [16]],
  [2221, 2720, [16]],
  [2200, 2204, [16]],
  [3400, 3499, [15]],
  [3700, 3799, [15]],
  [3000, 3059, [14, 16]],
  [3095, 3095, [14, 16]],
  [3600, 3699, [14, 16]],
  [3800, 3999, [14, 16]],
  [3528, 3589, [16, 19]],
  [6011, 6011, [16, 19]],
  [6440, 6599, [16, 19]],
  [6200, 6299, [16, 17, 18, 19]],
  [5000, 5099, [16, 19]],
  [5600, 5899, [16, 19]],
  [6304, 6304, [16, 19]],
  [6759, 6763, [16, 19]],
  [6000, 6099, [16]],
  [8100, 8299, [16]],
]

function isCard(digits: string): boolean {
  const prefix = Number(digits.slice(0, 4))
  const isIssued = issuers.some(
    ([from, to, lengths]) => prefix >= from && prefix <= to && lengths.includes(digits.length),
  )
  return isIssued && passesLuhn(digits)
}

/** Luhn's check (ISO/IEC 7812-1, annex B). */
export function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    sum += i % 2 === 0 ? digit : digit > 4 ? 2 * digit - 9 : 2 * digit
  }
  return sum % 10 === 0
}

/** How long the accounts of a country are, by the registry of IBANs. */
const ibanLengths: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 ' +
    'FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 ' +
    'LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 ' +
    'SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((each) => [each.slice(0, 2), Number(each.slice(2))]),
)

/** Numbers of accounts: a country, its length, and the remainder 1 modulo 97 (ISO 7064). */
export function findIbans(scan: Scan): void {
  for (let at = 0; at < scan.length; at++) {
    const isBegin = scan.is(at, letters) && scan.is(at + 1, letters) && scan.is(at + 2, kinds.digit)
    if (!isBegin || !scan.is(at + 3, kinds.digit) || !scan.isEdge(at)) continue
    const length = ibanLengths[scan.slice(at, at + 2).toUpperCase()]
    if (length === undefined) continue
    let [account, to] = ['', at]
    while (account.length < length) {
      if (scan.is(to, letters | kinds.digit)) account += scan.slice(to, to + 1)
      else if (!(isGap(scan.code(to)) || isHyphen(scan.code(to))) || !scan.is(to + 1, letters | kinds.digit))
        break
      to++
    }
    if (account.length === length && !scan.isWord(to) && passesMod97(account.toUpperCase()))
      scan.add('iban', at, to)
  }
}

const letters = kinds.upper | kinds.lower

function passesMod97(account: string): boolean {
  let rest = 0
  for (const one of account.slice(4) + account.slice(0, 4)) {
    const value = parseInt(one, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest === 1
}
