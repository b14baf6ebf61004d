/** The folder of a life, as callers name it. */
import type { Check } from '@burgeon/tensor'

/** Any path. */
export const aFolder: Check<string> = {
  expected: 'the path of a folder that holds a life',
  accepts: (value): value is string => typeof value === 'string' && value !== '',
}
