/** Subjects of messages, as NATS has them: words with dots between them, and patterns of those. */
import type { Check } from '@burgeon/tensor'

const word = /^[\w-]+$/

const isSubject = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= 200 && value.split('.').every((each) => word.test(each))

const isPattern = (value: unknown): value is string => {
  if (typeof value !== 'string' || value.length > 200) return false
  const words = value.split('.')
  return words.every((each, i) => word.test(each) || each === '*' || (each === '>' && i === words.length - 1))
}

/** Check of a subject to send to. */
export const aSubject: Check<string> = {
  expected: 'a subject: words of letters, digits, _ and - with dots between them, at most 200 characters',
  accepts: isSubject,
}

/** Check of a subject to listen to. */
export const aPattern: Check<string> = {
  expected: 'a subject, in which * stands for any one word and a last > for one or more',
  accepts: isPattern,
}

/** Check of a name within subjects. */
export const aWord: Check<string> = {
  expected: 'a word of letters, digits, _ and -, at most 100 characters',
  accepts: (value): value is string => typeof value === 'string' && value.length <= 100 && word.test(value),
}

/** Whether a pattern stands for a subject. */
export function matches(pattern: string, subject: string): boolean {
  const [wanted, words] = [pattern.split('.'), subject.split('.')]
  const isOpen = wanted.at(-1) === '>'
  if (isOpen ? words.length < wanted.length : words.length !== wanted.length) return false
  return wanted.every((each, i) => each === '*' || each === '>' || each === words[i])
}
