/** Finds personal data in text: pure functions, in time that is linear in its length. */
import { checkArgument, checks } from '@burgeon/tensor'
import { findCards, findIbans } from './finders/bank-numbers.ts'
import { findEmails } from './finders/emails.ts'
import { findIpv4, findIpv6, findMacs } from './finders/internet-addresses.ts'
import { findBooks, findDates, findDigests, findIdentifiers, findVersions } from './finders/look-alikes.ts'
import { findNationalIds } from './finders/national-ids.ts'
import { findPasswords, findUrlPasswords } from './finders/passwords.ts'
import { findPhones } from './finders/phones.ts'
import { findPostalAddresses } from './finders/postal-addresses.ts'
import { type Candidate, type Finder, type PersonalCategory, Scan } from './finders/scan.ts'
import { findPrivateKeys, findSecrets } from './finders/secrets.ts'

export type { PersonalCategory } from './finders/scan.ts'

/** A place in a text where personal data stands. */
export interface PersonalSpan {
  /** First UTF-16 unit of it. */
  readonly from: number
  /** The unit behind the last. */
  readonly to: number
  readonly category: PersonalCategory
}

const finders: readonly Finder[] = [
  ...[findIdentifiers, findDigests, findBooks, findDates, findVersions],
  ...[findEmails, findPhones, findCards, findIbans, findNationalIds, findPostalAddresses],
  ...[findSecrets, findPrivateKeys, findPasswords, findUrlPasswords, findIpv4, findIpv6, findMacs],
]

/**
 * Where a text has personal data: e-mail and postal addresses, telephone numbers, cards, accounts, numbers
 * that states give to people, passwords, keys, tokens, private keys, and addresses of machines.
 *
 * By form and check digit alone: a name, or a secret in plain words, is not found. Of places that overlap the
 * longest wins, and what looks like one and is known to be something else (a UUID, a digest, an ISBN, a date,
 * a version) is left alone. Every character is looked at a bounded number of times, whatever the text.
 *
 * @returns Places in order, none of which overlap.
 * @throws OptionError for what is no text.
 * @example
 * ```ts
 * console.log(findPersonalData('Write to anna@example.org')) // → [ { from: 9, to: 25, category: 'email' } ]
 * ```
 */
export function findPersonalData(text: string): PersonalSpan[] {
  checkArgument('findPersonalData', 'text', text, checks.text)
  return scanned(text).spans
}

/** The places, and how many characters were looked at. */
export function scanned(text: string): { spans: PersonalSpan[]; steps: number } {
  const scan = new Scan(text)
  for (const find of finders) find(scan)
  return { spans: longestOf(scan.found), steps: scan.steps }
}

/**
 * A text with the token of its category, such as `[email]`, in the place of everything that
 * `findPersonalData` finds. Done twice it changes nothing more.
 *
 * @throws OptionError for what is no text.
 */
export function redactPersonalData(text: string): string {
  checkArgument('redactPersonalData', 'text', text, checks.text)
  return redacted(text, scanned(text).spans)
}

/** A text with the tokens of places in their place. */
export function redacted(text: string, spans: readonly PersonalSpan[]): string {
  let [result, at] = ['', 0]
  for (const { from, to, category } of spans) {
    result += `${text.slice(at, from)}[${category}]`
    at = to
  }
  return result + text.slice(at)
}

const sizeOf = ({ from, to }: Candidate): number => to - from

/**
 * The longest of those that overlap. What a shorter one has beyond the longest goes with it, so that no half
 * of a secret stays. Where a known look-alike is as long as the other, it is the look-alike; but for what is
 * named a password, and an account whose check digits are right, which may read as a hexadecimal number.
 */
function longestOf(found: readonly Candidate[]): PersonalSpan[] {
  const innocent = joined(found.filter(({ category }) => category === null))
  const personal = found.filter((one): one is PersonalSpan => one.category !== null)
  const spans = personal.filter((one) => !isInnocent(one, innocent)).toSorted((a, b) => a.from - b.from)
  const result: PersonalSpan[] = []
  let longest = 0
  for (const span of spans) {
    const last = result.at(-1)
    if (last === undefined || span.from >= last.to) {
      result.push(span)
      longest = sizeOf(span)
      continue
    }
    const isLonger = sizeOf(span) > longest
    longest = Math.max(longest, sizeOf(span))
    const category = isLonger ? span.category : last.category
    result[result.length - 1] = { from: last.from, to: Math.max(last.to, span.to), category }
  }
  return result
}

/** Places in order; of those that overlap the longest. */
function joined(found: readonly Candidate[]): Candidate[] {
  const result: Candidate[] = []
  for (const one of found.toSorted((a, b) => a.from - b.from || b.to - a.to)) {
    const last = result.at(-1)
    if (last === undefined || one.from >= last.to) result.push(one)
    else if (sizeOf(one) > sizeOf(last)) result[result.length - 1] = one
  }
  return result
}

const stays: ReadonlySet<PersonalCategory> = new Set<PersonalCategory>(['password', 'iban'])

function isInnocent(one: PersonalSpan, innocent: readonly Candidate[]): boolean {
  let [low, high] = [0, innocent.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (innocent[middle].to <= one.from) low = middle + 1
    else high = middle
  }
  for (let i = low; i < innocent.length && innocent[i].from < one.to; i++) {
    if (sizeOf(innocent[i]) > sizeOf(one)) return true
    if (sizeOf(innocent[i]) === sizeOf(one) && !stays.has(one.category)) return true
  }
  return false
}
