/** Lets the vocabulary see what was learnt, and grow with the model when it is due. */
import { carryOut, type GrowthGround } from '../growth/carry-out.ts'
import type { LearnerEvent } from '../step-report.ts'
import type { Rehearsal } from '../rehearsal/rehearsal.ts'
import type { TriggerSignals } from '../trigger.ts'
import type { GrowingVocabulary } from './growing-vocabulary.ts'
import { encodedRow, textOf } from './encode-batch.ts'

/** What happened in the step, and who takes part. */
export interface VocabularyTurn extends Omit<GrowthGround, 'step'> {
  readonly vocabulary: GrowingVocabulary | undefined
  /** Holds rows of tokens, which are encoded anew. */
  readonly memory: Rehearsal | undefined
  readonly signals: TriggerSignals
}

/**
 * Model, tokenizer and remembered rows grow together, or none of them: nothing can fail once the model has grown. Within the budget it asks
 * for as many tokens as there is room for.
 */
export async function growVocabulary(turn: VocabularyTurn): Promise<LearnerEvent[]> {
  const { vocabulary, memory } = turn
  if (vocabulary === undefined) return []
  const { tokenizer } = vocabulary
  vocabulary.observe(textOf(turn.recent, tokenizer))
  if (!vocabulary.growWhen(turn.signals)) return []
  const wanted = vocabulary.wanted(roomFor(turn))
  if (wanted === null) return []
  const { step } = turn.signals
  const event = await carryOut({ policy: vocabulary.name, ...wanted }, { ...turn, step })
  if (event.kind === 'growth') {
    tokenizer.add(wanted.merges)
    memory?.recode?.((row) => encodedRow(row, tokenizer))
  }
  return [event]
}

/** Tokens that the budget allows: each is a row and a bias, and the first ones bring biases for all. */
function roomFor({ model, budget }: VocabularyTurn): number {
  const { embed, headBias = false, vocabulary } = model.config
  const left = budget.parameters - model.parameters.size - (headBias ? 0 : vocabulary)
  return Math.floor(left / (embed + 1))
}
