/** A guard that keeps personal data out. */
import { checkArgument, checks } from '@burgeon/tensor'
import type { Guard, GuardDecision } from '../guard.ts'
import { findPersonalData, type PersonalCategory, redacted } from './find-personal-data.ts'

/** What becomes of a text that has personal data. */
export type PersonalDataVerdict = 'redact' | 'quarantine' | 'refuse'

const reasonOf: Readonly<Record<PersonalCategory, string>> = {
  address: 'a postal address',
  card: 'the number of a card',
  email: 'an e-mail address',
  iban: 'the number of an account',
  ip: 'an address of a machine',
  jwt: 'a token',
  key: 'a key',
  mac: 'an address of a network card',
  'national-id': 'the number of a person',
  password: 'a password',
  phone: 'a telephone number',
  'private-key': 'a private key',
}
const named = 'personal data in what a text is called'

/**
 * Judges texts by what `findPersonalData` finds in them. One place is enough: ten clean pages before it
 * change nothing. A text whose key or domain has some cannot be redacted, and is kept apart.
 *
 * @param verdict `redact`: it is learnt with a token such as `[email]` in the place of each; `quarantine`: it
 *   is kept apart; `refuse`: nothing of it is kept. Default `redact`.
 * @throws OptionError for another verdict.
 * @example
 * ```ts
 * const strategy = { guard: guards(personalData('redact'), provenance()) }
 * ```
 */
export function personalData(verdict: PersonalDataVerdict = 'redact'): Guard {
  checkArgument('personalData', 'verdict', verdict, checks.oneOf('redact', 'quarantine', 'refuse'))
  return {
    name: 'personalData',
    reasons: [...Object.values(reasonOf), named],
    admit({ text, domain, key = '' }): GuardDecision {
      if (findPersonalData(`${domain}\n${key}`).length > 0) {
        return { verdict: verdict === 'refuse' ? 'refuse' : 'quarantine', reasons: [named] }
      }
      const spans = findPersonalData(text)
      if (spans.length === 0) return { verdict: 'learn' }
      const reasons = [...new Set(spans.map(({ category }) => reasonOf[category]))].toSorted()
      return verdict === 'redact' ? { verdict, text: redacted(text, spans), reasons } : { verdict, reasons }
    },
  }
}
