/** What a model may say, by the policy of its life. */
import { outputFilter, type OutputFilter } from '@burgeon/continual'
import type { GrowingTokenizer, LogitsProcessor, TextFilter } from '@burgeon/gpt'
import { UsageError } from '../terminal/usage-error.ts'
import { aHeldPolicy, type HeldPolicy } from './held-policy.ts'

/** A filter of texts that one tokenizer makes. */
export interface OwnOutput {
  /** The filter of an answer. @param before What the same voice said before, oldest first. */
  begin(before: readonly string[]): TextFilter
  clean(text: string): string
  readonly logitsProcessor?: LogitsProcessor
}

/** The filter that a policy asks for; undefined where it lets everything be said. */
export function outputOf(policy: HeldPolicy | undefined): OutputFilter | undefined {
  const { say } = policy?.rules ?? {}
  return say === undefined ? undefined : outputFilter(say)
}

/** The filter of the policy in the settings of a checkpoint. Throws UsageError for one that is damaged. */
export function savedOutput(who: string, life: unknown): OutputFilter | undefined {
  const { settings } = (life ?? {}) as { readonly settings?: { readonly policy?: unknown } }
  const policy = settings?.policy
  if (policy === undefined) return undefined
  if (aHeldPolicy.accepts(policy)) return outputOf(policy)
  throw new UsageError(
    `${who}: the policy in this checkpoint is damaged; expected one whose digest is its own.`,
  )
}

/** A filter beside a tokenizer. */
export function ownOutputOf(filter: OutputFilter, tokenizer: GrowingTokenizer): OwnOutput {
  const logitsProcessor = filter.logitsProcessor(tokenizer)
  return {
    begin: (before) => filter.begin(before),
    clean: (text) => filter.clean(text),
    ...(logitsProcessor && { logitsProcessor }),
  }
}

/** Passages as they may be told. */
export function saidOf<P extends { readonly bytes: string }>(
  passages: readonly P[] | undefined,
  output: OwnOutput | undefined,
): readonly P[] | undefined {
  return output && passages ? passages.map((one) => ({ ...one, bytes: output.clean(one.bytes) })) : passages
}

/** The second has its say after the first. */
export function inOrder(
  first: LogitsProcessor | undefined,
  second: LogitsProcessor | undefined,
): LogitsProcessor | undefined {
  if (first === undefined || second === undefined) return first ?? second
  return (logits, text, row) => second(first(logits, text, row), text, row)
}
