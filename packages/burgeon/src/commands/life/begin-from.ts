/** Begins a life of `learn --from`: with the weights and the tokenizer of a model that was trained elsewhere. */
import { begunFrom, type ContinueOptions } from '../../session/continue-learning.ts'
import type { KnownLife } from '../../session/life/life-checkpoint.ts'
import { newOrigin } from '../../session/life/life-origin.ts'
import { emptyRecord } from '../../session/record/life-record.ts'
import { broughtModel } from '../../models/open-model.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { count } from '../../terminal/quantities.ts'
import { printable } from '../../terminal/terminal.ts'

/**
 * The life, after the model has written the text of its own that it rehearses; null if the user stopped that.
 *
 * @throws UsageError, PretrainedError, TokenizerError for a path that leads to no model that can be read.
 */
export async function beginFrom(
  path: string,
  options: Omit<ContinueOptions, 'tokenizer'>,
  context: CommandContext,
): Promise<KnownLife | null> {
  const { model, tokenizer } = await broughtModel('learn', path, context)
  // Not every text could be learnt by a tokenizer that lacks a byte: it says so before anything is made.
  tokenizer.encodeBytes(new Uint8Array())
  const { output, stop } = context
  output.write(`It goes on from ${printable(path)}: ${count(model.parameters.size)} parameters.\n`)
  let rows = 0
  const onProgress = async (written: number): Promise<void> => {
    rows = written
    // A CPU device never waits; without this turn of the event loop Ctrl-C would not be heard.
    await new Promise((resolve) => setImmediate(resolve))
  }
  try {
    const begun = await begunFrom(model, { ...options, tokenizer, signal: stop, onProgress })
    if (stop.aborted) return null
    if (rows > 0) output.write(`It has written ${count(rows)} rows of its own text, to be rehearsed.\n`)
    const record = emptyRecord(model.parameters.size)
    return { ...begun, record, origin: newOrigin('learn') }
  } catch (error) {
    if (!stop.aborted) throw error
    return null
  }
}
