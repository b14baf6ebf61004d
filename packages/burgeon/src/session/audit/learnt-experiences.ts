/** Which experiences a life has learnt wholly since it was saved last, for its audit log. */
import type { AdmittedExperience } from '@burgeon/continual'
import { auditOf, experienceDigest, noteAudit } from './audit-record.ts'
import type { Life } from '../life/life-checkpoint.ts'

/** An experience that is being learnt. */
interface Underway {
  readonly id: number
  readonly bytes: number
  readonly digest: string
}

/** Follows a reader that is ahead of its learner. */
export class LearntExperiences {
  readonly #life: Pick<Life, 'learner' | 'record'>
  #underway: (Underway & { readonly kind: string })[] = []

  constructor(life: Pick<Life, 'learner' | 'record'>) {
    this.#life = life
  }

  /** The same experiences, of which note is taken. */
  async *of(experiences: AsyncIterable<AdmittedExperience>): AsyncGenerator<AdmittedExperience, void, void> {
    for await (const experience of experiences) {
      const { origin, text, salt = auditOf(this.#life.record).salt } = experience
      // One that is held back is predicted, and never learnt.
      const row = { domain: origin.domain, origin, tokens: new Int32Array() }
      const isHeldBack = this.#life.learner.strategy.probes?.isHeldBack(row) === true
      this.#underway.push({
        kind: isHeldBack ? 'held back' : 'learnt',
        id: origin.id,
        bytes: Buffer.byteLength(text),
        digest: experienceDigest(salt, { ...origin, text }),
      })
      yield experience
    }
  }

  /** The learner has come to an experience. */
  reached(next: number): void {
    const { learner, record } = this.#life
    for (const { kind, ...data } of this.#underway) {
      if (data.id < next) noteAudit(record, learner.step, kind, { ...data })
    }
    this.#underway = this.#underway.filter(({ id }) => id >= next)
  }
}
