/** The text that a life holds out, as rows by which a sleep is judged. */
import { batchOfTokens, heldBack, type Probes, type TokenBatch } from '@burgeon/continual'
import { BytePairTokenizer } from '@burgeon/gpt'
import type { KnownLife, Life } from '../life/life-checkpoint.ts'
import { heldOutOf } from '../life/life-origin.ts'
import { textBatches } from '../source/text-batches.ts'

/** Rows of each text. */
const rowsOfText = 16

/**
 * Probes of text that was never learnt, in the tokens of the moment; of no rows where a life holds none out.
 * Nothing that is learnt is held back by them.
 */
export async function heldOutProbes(life: KnownLife): Promise<Probes> {
  const all = heldOutOf(life.origin)
  const held = heldBack({ capacity: Math.max(1, all.length * rowsOfText), rows: rowsOfText })
  for (const { name, bytes } of all) {
    for await (const rows of rowsOf(life, name, bytes)) held.keep(rows, life.learner.step)
  }
  return {
    ...held,
    get rows() {
      return held.rows
    },
    isHeldBack: () => false,
  }
}

/** The first rows of a text, as the life reads it. */
async function* rowsOf(
  { learner, settings }: Life,
  domain: string,
  bytes: Uint8Array,
): AsyncGenerator<TokenBatch, void, void> {
  const { context: length } = settings.model
  const tokenizer = learner.strategy.vocabulary?.tokenizer
  if (tokenizer === undefined || tokenizer instanceof BytePairTokenizer) {
    const tokens = tokenizer?.encodeBytes(bytes) ?? Int32Array.from(bytes)
    if (tokens.length > 1) yield batchOfTokens(tokens.subarray(0, rowsOfText * length + 1), length, domain)
    return
  }
  const chunk = { domain, tokens: bytes, positionAfter: () => null }
  for await (const { batch } of textBatches([chunk], { rows: rowsOfText, length, tokenizer })) {
    yield batch
    return
  }
}
