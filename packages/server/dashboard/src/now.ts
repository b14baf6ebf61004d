/** Figures of the moment. */
import { fetched } from './ask.ts'
import { element, part } from './elements.ts'
import { type Life, smoothed } from './life.ts'
import { bits, count, size } from './quantities.ts'

/** Milliseconds over which a pace is taken. */
const window = 5000

/** Amounts by when they came. */
class Pace {
  #amounts: { readonly at: number; readonly amount: number }[] = []

  add(amount: number): void {
    this.#amounts.push({ at: performance.now(), amount })
  }

  /** In a second, over the latest few. */
  now(): number {
    const since = performance.now() - window
    this.#amounts = this.#amounts.filter(({ at }) => at > since)
    return this.#amounts.reduce((sum, { amount }) => sum + amount, 0) / (window / 1000)
  }
}

const learning = new Pace()
const writing = new Pace()
let tokensBefore: number | null = null

/** Takes note of bytes that were learnt. */
export const learnt = (bytes: number): void => learning.add(bytes)

/** Shows a life in numbers. */
export function showLife({ step, bytes, losses, sizes, events }: Life): void {
  set('Bits per byte', bits(smoothed(losses).at(-1)?.value))
  set('Steps', count(step))
  set('Learnt', size(bytes))
  set('Parameters', count(sizes.at(-1)?.value ?? 0))
  set('Drift alarms', count(events.filter(({ kind }) => kind === 'drift').length))
  set('Learning', `${size(learning.now())}/s`)
}

/** Asks the server what it counts, and shows it. Throws AskError. */
export async function showMachine(): Promise<void> {
  const text = await (await fetched('/metrics')).text()
  const valueOf = (name: string): number => {
    const line = text.split('\n').find((one) => one.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1) ?? 0)
  }
  const tokens = valueOf('burgeon_tokens_total{kind="completion"}')
  // A server that began again counts from nothing.
  if (tokensBefore !== null && tokens > tokensBefore) writing.add(tokens - tokensBefore)
  tokensBefore = tokens
  set('Writing', `${count(writing.now())} tokens/s`)
  set('Memory', size(valueOf('process_resident_memory_bytes')))
}

/** Shows figures of a model that does not learn. */
export function showModel(parameters: number, context: number): void {
  set('Parameters', count(parameters))
  set('Context', `${count(context)} tokens`)
}

/** Forgets all figures: another model is served. */
export const clearFigures = (): void => part('now').replaceChildren()

function set(name: string, value: string): void {
  const list = part('now')
  const known = [...list.children].find((child) => child.firstElementChild?.textContent === name)
  if (known?.lastElementChild) known.lastElementChild.textContent = value
  else list.append(element('div', element('dt', name), element('dd', value)))
}
