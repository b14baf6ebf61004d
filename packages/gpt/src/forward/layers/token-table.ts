/** The table of tokens, packed or not: rows for the input, and the matrix of the head. */
import { gather, matmul, packedMatmul, type Tensor, type TensorsByPath, unpackRows } from '@burgeon/tensor'
import type { GptConfig } from '../../config/gpt-config.ts'

/** The embedding of every token, `[B, T, C]`. */
export function embeddedTokens({ embed, packed }: GptConfig, w: TensorsByPath, tokens: Tensor): Tensor {
  const rows = gather(w['embed.token.weight'], tokens)
  if (packed === undefined) return rows
  const { format, group } = packed
  return unpackRows(rows, { format, group, width: embed })
}

/** The matrix of the head, `[V, C]`: that of the token embedding unless it has its own. */
export function headWeight({ untiedHead }: GptConfig, w: TensorsByPath): Tensor {
  return w[untiedHead ? 'head.weight' : 'embed.token.weight']
}

/** Features `[N, C]` times the matrix of the head, `[N, V]`. */
export function headProduct(config: GptConfig, w: TensorsByPath, x: Tensor): Tensor {
  const weight = headWeight(config, w)
  return config.packed ? packedMatmul(x, weight, config.packed) : matmul(x, weight, { transposeB: true })
}
