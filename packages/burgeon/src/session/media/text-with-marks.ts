/** Rows with pieces, as text. */
import { type GptConfig, type GrowingTokenizer, piecesIn } from '@burgeon/gpt'

/** U+FFFC, OBJECT REPLACEMENT CHARACTER, in UTF-8. */
const mark = [0xef, 0xbf, 0xbc]

/** What a row says, with U+FFFC in the place of each piece. */
export function textWithMarks(
  config: GptConfig,
  row: readonly number[],
  tokenizer: GrowingTokenizer,
): string {
  const tokens: number[] = []
  let from = 0
  for (const { start, end } of piecesIn(config, row)) {
    tokens.push(...row.slice(from, start), ...mark)
    from = end
  }
  tokens.push(...row.slice(from))
  // Behind a piece of open length stands a token that ends it.
  return tokenizer.decode(tokens.filter((token) => token < tokenizer.vocabulary))
}
