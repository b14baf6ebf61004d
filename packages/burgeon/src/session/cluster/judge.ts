/** Who judges a text before it is dealt out to the workers of a cluster. */
import { sgd } from '@burgeon/autograd/optim'
import { type Door, Learner, type LearnerState } from '@burgeon/continual'
import { Gpt } from '@burgeon/gpt'
import { UsageError } from '../../terminal/usage-error.ts'
import type { GuardSettings } from '../guard/guard-settings.ts'
import type { LifeSettings } from '../life/life-settings.ts'
import { guardUnder } from '../policy/under-policy.ts'

/** Guards that judge by something that a cluster does not know, and what that is. */
const unknown: { readonly [K in keyof GuardSettings]: string } = {
  ownOutput: 'by what the model has written, and nobody writes with it while a cluster learns',
  novelRepetition: 'by how far text is trusted, which records of a cluster do not say',
  sourceShare: 'by how far text is trusted, which records of a cluster do not say',
}

/** Throws UsageError for a guard that would not do in a cluster what it does in a life of one machine. */
export function checkKeepable(who: string, settings: GuardSettings): void {
  for (const [name, why] of Object.entries(unknown)) {
    if (settings[name as keyof GuardSettings] === undefined) continue
    throw new UsageError(`${who}: got the guard ${name}, which judges ${why}. Leave it out.`)
  }
  const { provenance } = settings
  if (provenance === undefined) return
  const { sources = {}, unknown: others = 0.2 } = provenance
  const [name, trust] = [...Object.entries(sources), ['unknown', others] as const].find(
    ([, own]) => typeof own === 'number' && own !== 1,
  ) ?? [null, null]
  if (name === null) return
  throw new UsageError(
    `${who}: got the guard provenance with a trust of ${trust} for ${name}, which records of a cluster do not say; expected 1, and for unknown also "refuse" or "quarantine".`,
  )
}

/** The door of a cluster. It has a model of its own, which is of no use but to hold it. */
export class Judge {
  readonly #learner: Learner

  private constructor(learner: Learner) {
    this.#learner = learner
  }

  /**
   * @param settings Of the life; without guard and policy everything is let in.
   * @param before The state of the life's learner; of its account the judge goes on.
   */
  static async of(settings: LifeSettings, before: LearnerState | null): Promise<Judge> {
    const guard = guardUnder(settings.policy, settings.guard)
    const model = Gpt.create({ vocabulary: 1, context: 1, embed: 1, heads: 1, layers: 1 }, { seed: 0 })
    const parts = { optimizer: sgd(1), strategy: guard === undefined ? {} : { guard } }
    const fresh = new Learner({ model, ...parts })
    if (before === null) return new Judge(fresh)
    const state = withGuard(await fresh.toState(), before)
    disposed(fresh)
    return new Judge(Learner.fromState(state, parts))
  }

  get door(): Door {
    return this.#learner.door
  }

  /** The state of a learner of the life, with the account of this door. */
  async notedIn(state: LearnerState): Promise<LearnerState> {
    return withGuard(state, await this.#learner.toState())
  }

  /** Lets go of it. */
  dispose(): void {
    disposed(this.#learner)
  }
}

function withGuard(state: LearnerState, other: LearnerState): LearnerState {
  const guard = other.parts.find(({ role }) => role === 'guard')
  return { ...state, parts: state.parts.map((part) => (part.role === 'guard' && guard ? guard : part)) }
}

function disposed(learner: Learner): void {
  learner.dispose()
  learner.model.dispose()
}
