/** What a person says of an answer, and what that does. */
import { ask } from '../ask.ts'
import { acting, button, element } from '../elements.ts'
import { bits, many, size } from '../quantities.ts'

interface FeedbackJson {
  readonly effect: 'noted' | 'kept' | 'learnt'
  readonly duplicate: boolean
  /** Where it was learnt as a text. */
  readonly lesson: LessonJson | null
  /** Where the life learns what is said of its answers. */
  readonly feedback: OutcomeJson | null
}

interface OutcomeJson {
  readonly steps: number
  readonly strength: number
  /** In nats. */
  readonly log_ratio: number | null
  readonly waiting: boolean
  readonly saved: boolean
}

/** What became of a text that was taught. */
export interface LessonJson {
  readonly bytes: number
  readonly steps: number
  readonly bits_per_byte: number | null
  readonly saved: boolean
}

/** A lesson in a sentence. */
export const lessonText = ({ bytes, steps, bits_per_byte: loss, saved }: LessonJson): string =>
  `Learnt: ${size(bytes)} in ${many(steps, 'step')}, at ${bits(loss)} bits per byte before` +
  (saved ? '; it is on disk.' : '. It is not on disk.')

/** What became of feedback, in a sentence. */
function outcomeText({ steps, strength, log_ratio: ratio, waiting, saved }: OutcomeJson): string {
  const disk = saved ? '' : ' It is not on disk.'
  if (strength === 0)
    return `Kept. It moves nothing: somebody says the opposite, or this key is not believed yet.${disk}`
  if (steps === 0) return `Kept${waiting ? ', to be learnt beside the next text' : ''}.${disk}`
  const factor = Math.exp(Math.abs(ratio ?? 0))
  const moved =
    factor < 1.05
      ? ''
      : ` It had become ${factor < 100 ? factor.toFixed(1) : 'over 100'} times as ${(ratio ?? 0) > 0 ? 'likely' : 'unlikely'}.`
  return `Learnt in ${many(steps, 'step')}.${moved}${disk}`
}

/** Buttons below an answer, and the place where they say what they did. */
export function judging(id: string, answer: string): readonly [HTMLElement, ...Node[]] {
  const effect = element('p.note effect')
  effect.role = 'status'
  const judge = async (said: object): Promise<void> => {
    const {
      effect: what,
      duplicate,
      lesson,
      feedback,
    } = await ask<FeedbackJson>('/v1/feedback', {
      // Whoever has this page speaks for the key that it was opened with.
      ...{ response_id: id, ...said },
    })
    if (feedback !== null) effect.textContent = outcomeText(feedback)
    else if (lesson !== null) effect.textContent = lessonText(lesson)
    else if (duplicate) effect.textContent = 'That was said before; nothing has changed.'
    else effect.textContent = what === 'learnt' ? 'Learnt.' : 'Written down. It has no other effect yet.'
  }
  const thumb = (text: string, label: boolean): HTMLButtonElement => {
    const own = button(text, async () => {
      await judge({ key: 'thumb', label })
      own.ariaPressed = 'true'
      for (const each of thumbs) each.disabled = true
    })
    own.ariaPressed = 'false'
    return own
  }
  const thumbs = [thumb('Good', true), thumb('Bad', false)]
  const form = correcting(answer, judge)
  const correct = button('Correct…', () => {
    form.hidden = !form.hidden
    correct.ariaExpanded = String(!form.hidden)
    if (!form.hidden) form.querySelector('textarea')?.select()
  })
  correct.ariaExpanded = 'false'
  const group = element('div.line judge', ...thumbs, correct)
  group.role = 'group'
  group.ariaLabel = 'Your judgement of this answer'
  return [group, form, effect]
}

/** The form of a correction: what the answer should have been, which is learnt. */
function correcting(answer: string, judge: (said: object) => Promise<void>): HTMLFormElement {
  const wanted = element('textarea')
  Object.assign(wanted, { rows: 2, required: true, value: answer.trim() })
  const send = element('button.main', 'Teach this')
  const form = element('form.correct', element('label', 'What it should have said', wanted), send)
  form.hidden = true
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    // An answer goes on from its prompt; the space between them belongs to it.
    const space = /^\s*/.exec(answer)?.[0] || ' '
    void acting(send, async () => {
      await judge({ correction: space + wanted.value.trim() })
      form.hidden = true
    })
  })
  return form
}
