/** Which guards a life has: plain data, kept in its settings, and as a file that a command takes. */
import {
  type Guard,
  guards,
  novelRepetition,
  type NovelRepetitionOptions,
  ownOutput,
  type OwnOutputOptions,
  personalData,
  type PersonalDataVerdict,
  provenance,
  type ProvenanceOptions,
  sourceShare,
  type SourceShareOptions,
} from '@burgeon/continual'
import { BurgeonError, type Check, checkOptions, checks, type ChecksOf } from '@burgeon/tensor'

/** Guards by name, each with its options; `{}` for what it is by default. Those that are not named are not there. */
export interface GuardSettings {
  /** With `verdict`; `redact` unless given. */
  readonly personalData?: { readonly verdict?: PersonalDataVerdict }
  readonly provenance?: ProvenanceOptions
  readonly ownOutput?: OwnOutputOptions
  readonly novelRepetition?: NovelRepetitionOptions
  readonly sourceShare?: SourceShareOptions
}

type GuardName = keyof GuardSettings

/**
 * Makes each guard, in the order in which they are asked: what is personal goes before anybody notes it, and trust
 * comes before those who judge by it.
 */
const makers: { readonly [K in GuardName]-?: (options: Required<GuardSettings>[K]) => Guard } = {
  personalData(options) {
    checkOptions('personalData', options, { verdict: checks.oneOf('redact', 'quarantine', 'refuse') })
    return personalData(options.verdict)
  },
  provenance,
  ownOutput,
  novelRepetition,
  sourceShare,
}

const names = Object.keys(makers) as GuardName[]
const options = checks.object('an object with its options')
const settingsChecks = Object.fromEntries(names.map((name) => [name, options])) as ChecksOf<GuardSettings>

/**
 * The guard of these settings.
 *
 * @throws OptionError for a guard that does not exist, or an option of one that is outside its range.
 */
export function guardFrom(who: string, settings: GuardSettings): Guard {
  checkOptions(who, settings, settingsChecks)
  const made = (name: GuardName): readonly Guard[] => {
    const own = settings[name]
    const make: (options: object) => Guard = makers[name]
    return own === undefined ? [] : [make(own)]
  }
  return guards(...names.flatMap(made))
}

/** Settings of guards that can be made. */
export const someGuards: Check<GuardSettings> = {
  expected: `an object with some of ${names.join(', ')}, each an object with its options`,
  accepts: (value): value is GuardSettings => {
    try {
      guardFrom('guard', value as GuardSettings)
      return true
    } catch (error) {
      if (error instanceof BurgeonError) return false
      throw error
    }
  },
}
