/** The door of a life with a place for what is kept apart: every way in asks here first. */
import type { Admission, GuardRecord, Learner } from '@burgeon/continual'
import type { Disk } from '@burgeon/gpt'
import { Quarantine } from './quarantine.ts'

/** Asks the door of a life. */
export interface Gate {
  /** Whether there is a guard; without one all is learnt as it comes. */
  readonly isGuarded: boolean
  /**
   * Judges a text before anything else keeps it. One that is kept apart is on disk when this resolves.
   *
   * @throws CheckpointError if it could not be written.
   */
  admit(record: GuardRecord): Promise<Admission>
}

/** The gate of the life in a folder. */
export function gateOf({ door }: Pick<Learner, 'door'>, disk: Disk): Gate {
  const quarantine = new Quarantine(disk)
  return {
    isGuarded: door.isGuarded,
    async admit(record) {
      const admission = door.admit(record)
      if (admission.verdict !== 'quarantine' || (await quarantine.keep(record, admission))) return admission
      return {
        ...admission,
        verdict: 'refuse',
        text: '',
        reasons: [...admission.reasons, 'too many texts wait'],
      }
    },
  }
}

/** Whether a text is to be learnt, as it came or redacted. */
export const isLearnt = ({ verdict }: Pick<Admission, 'verdict'>): boolean =>
  verdict === 'learn' || verdict === 'redact'
