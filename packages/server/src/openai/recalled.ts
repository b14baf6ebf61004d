/** What answers were written from, in a field of their own beside those of OpenAI. */
import { z } from 'zod'
import type { RecalledPassage } from '../served/served-recall.ts'

/** A passage of an answer, as JSON has it. */
export interface RecalledJson {
  readonly index: number
  readonly id: number | null
  readonly source: string | null
  readonly domain: string
  readonly text: string
  readonly weight: number
}

/** What answers have beside the fields of OpenAI. */
export interface WrittenJson {
  readonly recalled?: readonly RecalledJson[] | undefined
}

const recalledPassage: z.ZodType<RecalledJson> = z.object({
  index: z.int().min(0).describe('Which of the choices it is of.'),
  id: z.int().min(0).nullable().describe('Number of the experience that it was read in.'),
  source: z.string().nullable().describe('Who gave that.'),
  domain: z.string(),
  text: z.string().describe('What of the answer was written from it.'),
  weight: z.number().min(0).max(1).describe('Share that it has in the probability of this text.'),
})

/** Answers of the routes that write, as far as they differ from those of OpenAI. */
export const writtenAnswer: z.ZodType<WrittenJson> = z.looseObject({
  recalled: z
    .array(recalledPassage)
    .optional()
    .describe(
      'Passages that the choices were written from, where the model recalls; of a stream in its last choice.',
    ),
})

/** The field; nothing where nothing is ever recalled. */
export const recalledField = (recalled: readonly (readonly RecalledPassage[])[] | undefined): WrittenJson =>
  recalled === undefined
    ? {}
    : {
        recalled: recalled.flatMap((passages, index) =>
          passages.map(({ id, source, domain, bytes, weight }) => ({
            ...{ index, id, source, domain, text: bytes, weight },
          })),
        ),
      }
