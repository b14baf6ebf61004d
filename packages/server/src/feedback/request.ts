/** Feedback in the forms that people send: those of LangSmith, Langfuse, Portkey and KTO in one. */
import { z } from 'zod'
import type { Limits } from '../limits.ts'
import type { FeedbackKind } from '../served/served-feedback.ts'
import { choiceOf } from './known-answers.ts'

/** The union of all forms. */
export interface FeedbackRequest {
  readonly response_id?: string | undefined
  readonly run_id?: string | undefined
  readonly trace_id?: string | undefined
  readonly traceId?: string | undefined
  readonly choice?: number | undefined
  readonly prompt?: string | undefined
  readonly completion?: string | undefined
  readonly key?: string | undefined
  readonly name?: string | undefined
  readonly label?: boolean | 'accept' | 'reject' | undefined
  readonly score?: number | boolean | null | undefined
  readonly value?: number | boolean | string | null | undefined
  readonly dataType?: 'NUMERIC' | 'CATEGORICAL' | 'BOOLEAN' | undefined
  readonly correction?: string | { readonly text: string } | null | undefined
  readonly comment?: string | null | undefined
  readonly source?: string | undefined
  readonly feedback_source?: { readonly type: string } | undefined
  readonly weight?: number | undefined
}

/** What feedback says of an answer; null where it says neither. */
export type Judgement = 'accept' | 'reject' | null

const aName = z.string().min(1).max(200)
const aText = z.string().max(100_000)

/** Body of `/v1/feedback`. */
export const feedbackRequest = (limits: Limits): z.ZodType<FeedbackRequest> =>
  z
    .strictObject({
      response_id: aName.optional(),
      run_id: aName.optional(),
      trace_id: aName.optional(),
      traceId: aName.optional(),
      choice: choiceOf(limits).optional(),
      prompt: aText.min(1).optional(),
      completion: aText.min(1).optional(),
      key: aName.optional(),
      name: aName.optional(),
      label: z.union([z.boolean(), z.enum(['accept', 'reject'])]).optional(),
      score: z.union([z.number().min(-10).max(10), z.boolean()]).nullish(),
      value: z.union([z.number().min(-10).max(10), z.boolean(), z.string().max(200)]).nullish(),
      dataType: z.enum(['NUMERIC', 'CATEGORICAL', 'BOOLEAN']).optional(),
      correction: z.union([aText.min(1), z.strictObject({ text: aText.min(1) })]).nullish(),
      comment: z.string().max(10_000).nullish(),
      source: aName.optional(),
      feedback_source: z.strictObject({ type: aName }).optional(),
      weight: z.number().min(0).max(1).optional(),
    })
    .refine((body) => idsOf(body).length + (body.prompt === undefined ? 0 : 1) === 1, {
      error: 'expected one of response_id, run_id, trace_id, or a prompt with a completion',
    })
    .refine(({ prompt, completion }) => (prompt === undefined) === (completion === undefined), {
      error: 'expected prompt and completion together',
    })

/** Names of the answer that it is about. */
export const idsOf = ({ response_id, run_id, trace_id, traceId }: FeedbackRequest): string[] =>
  [response_id, run_id, trace_id, traceId].filter((id) => id !== undefined)

/** The wanted answer; undefined where there is none. */
export const correctionOf = ({ correction }: FeedbackRequest): string | undefined =>
  typeof correction === 'object' ? correction?.text : correction

/** What it says of the answer, a correction before all else; a number that is called NUMERIC is a reward. */
export function kindOf(request: FeedbackRequest): FeedbackKind | null {
  if (correctionOf(request) !== undefined) return 'correct'
  return rewardOf(request) === null ? judgementOf(request) : 'reward'
}

/** The reward; null where it is none. */
export function rewardOf({ label, score, value, dataType }: FeedbackRequest): number | null {
  const said = score ?? value
  return dataType === 'NUMERIC' && label === undefined && typeof said === 'number' ? said : null
}

/**
 * What it says of the answer: true, `accept` and numbers above ½ accept; false, `reject` and numbers below
 * reject.
 */
export function judgementOf(request: FeedbackRequest): Judgement {
  if (rewardOf(request) !== null) return null
  const { label, score, value } = request
  const said = label ?? score ?? value
  if (said === 'accept' || said === true) return 'accept'
  if (said === 'reject' || said === false) return 'reject'
  if (typeof said !== 'number' || said === 0.5) return null
  return said > 0.5 ? 'accept' : 'reject'
}
