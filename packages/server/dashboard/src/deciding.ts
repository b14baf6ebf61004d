/** What somebody may decide: growth that waits, and checkpoints. */
import { ask, AskError, type Json } from './ask.ts'
import { button, confirmed, element, part, say, table } from './elements.ts'
import { bits, compact, count, many } from './quantities.ts'

interface Waiting {
  readonly id: number
  readonly request: Json
  readonly reason: string
  readonly decision: string | null
}

interface GrowthJson {
  readonly parameters: number
  readonly budget: { readonly parameters: number | null }
  readonly approval: boolean
  readonly waiting: readonly Waiting[]
  readonly log: readonly { readonly summary: string; readonly taken_back: boolean }[]
}

interface Checkpoint {
  readonly kept: number
  readonly step: number
  readonly parameters: number
  readonly bits_per_byte: number | null
}

/** What is shown by now, as text: the same is not shown again, for that would take the focus of a button. */
const shown = new Map<string, string>()

/** Shows something where it differs from what is shown. */
async function showNew<T>(
  place: string,
  found: T,
  parts: (found: T) => Promise<readonly Node[]> | readonly Node[],
): Promise<void> {
  const text = JSON.stringify(found)
  if (shown.get(place) === text) return
  shown.set(place, text)
  const made = await parts(found)
  // Something newer may have come meanwhile.
  if (shown.get(place) !== text) return
  const own = part(place)
  const focused = own.contains(document.activeElement) ? nameOf(document.activeElement) : null
  own.replaceChildren(...made)
  if (focused === null) return
  // Whoever stood on a button stands on the same one, or at the head of the part if it has gone.
  const again = [...own.querySelectorAll('button')].find((one) => nameOf(one) === focused)
  const head = own.closest('section')?.querySelector('h2') ?? own
  head.tabIndex = -1
  const target = again ?? head
  target.focus()
}

const nameOf = (button: Element | null): string | null => button?.ariaLabel ?? button?.textContent ?? null

/** Shows growth, and what waits. */
export async function showGrowth(): Promise<void> {
  const found = await ask<GrowthJson>('/v1/growth').catch((error: unknown) => {
    if (error instanceof AskError && error.status === 409) return null
    throw error
  })
  const waits = found?.waiting.filter(({ decision }) => decision === null).length ?? 0
  const link = part('to-growth')
  link.textContent = waits === 0 ? 'Growth' : `Growth: ${count(waits)} waits`
  link.classList.toggle('waits', waits > 0)
  await showNew('growth-list', found, growthParts)
}

async function growthParts(found: GrowthJson | null): Promise<readonly Node[]> {
  if (found === null) return [element('p.note', 'This life does not grow.')]
  const { parameters, budget, approval, waiting, log } = found
  const most = budget.parameters === null ? 'without a limit' : `of at most ${count(budget.parameters)}`
  const gauge = element('meter')
  gauge.max = budget.parameters ?? parameters
  gauge.value = parameters
  gauge.ariaLabel = 'Share of the budget that is used'
  const waits = await Promise.all(waiting.map(waitingPart))
  const none = approval ? 'What it asks for waits for approval; nothing waits now.' : 'It grows by itself.'
  const latest = log.slice(-6).toReversed()
  return [
    element('p', `${count(parameters)} parameters, ${most}; ${many(log.length, 'growth')} so far.`),
    ...(budget.parameters === null ? [] : [gauge]),
    ...(waits.length > 0 ? waits : [element('p.note', none)]),
    element(
      'ul.plain',
      ...latest.map(({ summary, taken_back: back }) =>
        element('li', back ? `Taken back: ${summary}` : summary),
      ),
    ),
  ]
}

async function waitingPart({ id, request, reason, decision }: Waiting): Promise<Node> {
  const { kind, ...rest } = request
  const details = Object.entries(rest).map(([name, value]) => `${name} ${JSON.stringify(value)}`)
  const what = `${String(kind)}${details.length > 0 ? ` (${details.join(', ')})` : ''}`
  const decide = (choice: 'approve' | 'refuse') => async (): Promise<void> => {
    const { status, parameters } = await ask(`/v1/growth/${id}`, { decision: choice })
    const done = { grown: `Grown to ${count(Number(parameters))} parameters.`, refused: 'Refused.' }
    say(done[status as keyof typeof done] ?? 'Decided; it happens in the next step.')
    await showGrowth()
  }
  const buttons =
    decision === null
      ? [button('Approve', decide('approve')), button('Refuse', decide('refuse'))]
      : [`Decided: ${decision}; it happens in the next step.`]
  return element(
    'div.notice',
    element('p', element('strong', 'Waits for you: '), `${what}. Its reason: ${reason}`),
    element('p.note', await priceOf(request)),
    element('div.line', ...buttons),
  )
}

/** What a request would cost; nothing where nobody can say. */
async function priceOf(request: Json): Promise<string> {
  type Cost = { readonly parameters: number; readonly flops_per_token: { readonly forward: number } }
  const plan = await ask<{ before: Cost; after: Cost; within_budget: boolean }>('/v1/growth/plan', {
    request,
  }).catch(() => null)
  if (plan === null) return ''
  const { before, after } = plan
  const cost =
    `From ${compact(before.parameters)} to ${compact(after.parameters)} parameters, and from ` +
    `${compact(before.flops_per_token.forward)} to ${compact(after.flops_per_token.forward)} operations for a token.`
  return plan.within_budget ? cost : `${cost} That is more than the budget allows.`
}

/** Shows checkpoints. */
export async function showCheckpoints(): Promise<void> {
  const found = await ask<{ present: Checkpoint; kept: readonly Checkpoint[] }>('/v1/checkpoints')
  const { present, kept } = found
  part('on-disk').textContent =
    `On disk is step ${count(present.step)}; a server that is killed goes on from there.`
  await showNew('checkpoint-list', kept, () => [
    kept.length === 0
      ? element('p.note', 'None is kept.')
      : table(
          ['Kept', 'Step', 'Parameters', 'Loss', 'Go back'],
          kept
            .toReversed()
            .map((one) => [
              ...[count(one.kept), count(one.step), count(one.parameters)],
              bits(one.bits_per_byte),
              backButton(one),
            ]),
        ),
  ])
}

function backButton({ kept, step }: Checkpoint): HTMLButtonElement {
  const back = button('Go back', async () => {
    const isMeant = await confirmed(
      `Go back to checkpoint ${count(kept)}?`,
      `The life becomes what it was at step ${count(step)}. What it is now is kept first, so that you can come back.`,
      'Go back',
    )
    if (!isMeant) return
    await ask(`/v1/checkpoints/${kept}/rollback`, {})
    say(`It is back at checkpoint ${count(kept)}, step ${count(step)}; what it was before is kept.`)
  })
  back.ariaLabel = `Go back to checkpoint ${count(kept)}`
  return back
}

/** Keeps the present moment. */
export async function keep(): Promise<void> {
  const { kept, step } = await ask<Checkpoint>('/v1/checkpoints', {})
  say(`Step ${count(step)} is kept as checkpoint ${count(kept)}.`)
  await showCheckpoints()
}

/** Forgets what is shown: another life is served. */
export const clearDecisions = (): void => shown.clear()
