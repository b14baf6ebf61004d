/**
 * Growth by half on every axis of a model: what growing costs is measured and bounded by the same requests.
 */
import type { GptConfig } from '@burgeon/gpt'
import type { GrowthRequest } from '@burgeon/gpt/growth'

/**
 * One request or two for every axis, each of the block in the middle. MLP, heads and their size must be even,
 * key/value heads half of the heads.
 */
export function halfAgain({ blocks, embed, context, vocabulary }: GptConfig): GrowthRequest[] {
  const { id: block, mlpHidden, heads, headDim } = blocks[(blocks.length - 1) >> 1]
  const newTokens = Array.from({ length: vocabulary / 2 }, (_, i) => ({ parts: [i, i + 1] }))
  return [
    { kind: 'widenMlp', block, to: 1.5 * mlpHidden },
    { kind: 'widenMlp', block, to: 1.5 * mlpHidden, how: 'split' },
    { kind: 'addHeads', block, to: 1.5 * heads },
    { kind: 'addKvHeads', block, to: heads },
    { kind: 'widenHeads', block, to: 1.5 * headDim },
    { kind: 'widenEmbed', to: 1.5 * embed },
    { kind: 'addLayer', at: blocks.length / 2 },
    { kind: 'growContext', to: 1.5 * context },
    { kind: 'growVocabulary', tokens: newTokens },
  ]
}
