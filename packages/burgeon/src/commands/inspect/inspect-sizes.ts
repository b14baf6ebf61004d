/** The sizes of a model in words. */
import type { BlockConfig, GptConfig } from '@burgeon/gpt'
import { count } from '../../terminal/quantities.ts'

/** The stream that runs through all blocks. */
export function widthOf({ embed, norm, positions, activation }: GptConfig): string {
  const name = norm === 'rms' ? 'RMSNorm' : 'LayerNorm'
  return `${count(embed)}, ${name}, ${positions} positions, ${activation}`
}

/** One block. */
export function sizesOf({ heads, kvHeads, headDim, mlpHidden, adapter, expertShares }: BlockConfig): string {
  const shared = kvHeads === heads ? '' : `, ${count(kvHeads)} of keys and values`
  const experts = expertShares ? `${count(expertShares.length)} experts of ` : ''
  const beside = adapter ? `, adapter of rank ${count(adapter.rank)}` : ''
  return `${count(heads)} heads of ${count(headDim)}${shared}, ${experts}${count(mlpHidden)} hidden units${beside}`
}
