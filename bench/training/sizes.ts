/** The three sizes in which training is measured. */
import type { TrainingCase } from '../peers/peer.ts'

// The vocabulary is that of Shakespeare's characters in every size, so that the blocks are what is measured.
const vocabulary = 65

export const tiny: TrainingCase = {
  name: 'tiny',
  ...{ layers: 4, heads: 4, embed: 128, context: 64, batch: 12, vocabulary },
}
export const baby: TrainingCase = {
  name: 'baby',
  ...{ layers: 6, heads: 6, embed: 384, context: 256, batch: 8, vocabulary },
}
export const gpt2Small: TrainingCase = {
  name: 'GPT-2 small',
  ...{ layers: 12, heads: 12, embed: 768, context: 256, batch: 2, vocabulary },
}
