/** Shows a life: its curves, its domains, what happened. */
import { draw } from './chart.ts'
import { byId, element, part, table } from './elements.ts'
import { domainsOf, type Life, type LifeEvent, smoothed, valueAt } from './life.ts'
import { bits, count, many, size } from './quantities.ts'

/** Colors of domains; the next begins with the first again. */
const tones = 6
const shownDomains = 12
const shownEvents = 200
/** What has a mark in the curves, and how it is called there. */
const marked: ReadonlyMap<string, string> = new Map([
  ['drift', 'drift alarm'],
  ['growth', 'growth'],
  ['rollback', 'rollback'],
])

let life: Life | null = null
let isDrawn = true
/** Whether the reader stays at the end of the course, wherever that goes. */
let followsEnd = true

/** Shows another life, or the same when something has happened: at the next frame, however much that is. */
export function showCourse(own: Life): void {
  life = own
  if (!isDrawn) return
  isDrawn = false
  requestAnimationFrame(() => {
    isDrawn = true
    if (life === null) return
    drawCurves(life)
    showDomains(life)
    showEvents(life)
  })
}

/** Has the slider read the curves, and the curves fit the window. */
export function watchCourse(): void {
  const slider = byId('place', HTMLInputElement)
  const again = (): void => {
    if (life !== null) showCourse(life)
  }
  slider.addEventListener('input', () => {
    followsEnd = slider.value === slider.max
    again()
  })
  new ResizeObserver(again).observe(part('loss'))
}

function drawCurves(own: Life): void {
  const { bytes, losses, sizes, spans, events } = own
  const slider = byId('place', HTMLInputElement)
  slider.hidden = losses.length === 0
  if (losses.length === 0) {
    part('loss').replaceChildren(element('p.note', 'Nothing has been learnt yet.'))
    part('size').replaceChildren()
    part('reading').textContent = ''
    return
  }
  const mean = smoothed(losses)
  const names = [...new Set(spans.map(({ domain }) => domain))]
  const shown = {
    ...{ bytes, place: followsEnd ? null : (Number(slider.value) / Number(slider.max)) * bytes },
    marks: events.filter(({ kind }) => marked.has(kind)).map(({ at, kind }) => ({ at, kind })),
  }
  const happened = [...marked].map(([kind, name]) =>
    many(events.filter((event) => event.kind === kind).length, name),
  )
  draw(part('loss'), {
    ...shown,
    label:
      `Loss before learning, over ${size(bytes)}: ${bits(mean[0].value)} bits per byte at first, ` +
      `${bits(mean.at(-1)?.value)} lately; ${happened.join(', ')}.`,
    ...{ lines: [losses, mean], isStepped: false },
    strip: spans.map((span) => ({ ...span, tone: names.indexOf(span.domain) % tones })),
  })
  draw(part('size'), {
    ...{ ...shown, strip: [], lines: [sizes], isStepped: true },
    label: `Parameters: ${count(sizes[0].value)} at first, ${count(sizes.at(-1)?.value ?? 0)} now.`,
  })
  const place = shown.place ?? bytes
  const reading =
    `At ${size(place)}: ${bits(valueAt(mean, place))} bits per byte, ` +
    `${count(valueAt(sizes, place) ?? 0)} parameters, ${spans.find(({ to }) => to >= place)?.domain ?? 'no domain'}`
  part('reading').textContent = reading
  slider.setAttribute('aria-valuetext', reading)
}

function showDomains(own: Life): void {
  const all = domainsOf(own)
  const names = [...new Set(own.spans.map(({ domain }) => domain))]
  const isHeldOut = all.some(({ heldOut }) => heldOut !== null)
  const rows = all.slice(0, shownDomains).map(({ name, bytes, stretches, lately, heldOut }) => {
    const swatch = element(`span.swatch tone-${names.indexOf(name) % tones}`)
    const figures = [size(bytes), count(stretches), bits(lately), ...(isHeldOut ? [bits(heldOut)] : [])]
    return [element('span', swatch, name), ...figures]
  })
  const more = all.length - rows.length
  const head = ['Domain', 'Learnt', 'Stretches', 'Loss lately', ...(isHeldOut ? ['Held out'] : [])]
  part('domain-list').replaceChildren(
    rows.length === 0 ? element('p.note', 'None yet.') : table(head, rows),
    ...(more > 0 ? [element('p.note', `${count(more)} more, of which less was learnt.`)] : []),
  )
}

/** How many events stand in the list, and of which life. */
let listed: { readonly of: readonly LifeEvent[]; count: number } = { of: [], count: 0 }

/** Adds what is new, so that nobody who reads the list is thrown back. */
function showEvents({ events }: Life): void {
  const list = part('event-list')
  if (listed.of !== events) {
    listed = { of: events, count: Math.max(0, events.length - shownEvents) }
    list.replaceChildren()
    if (events.length === 0) list.append(element('li.note', 'Nothing yet.'))
  }
  if (listed.count < events.length && listed.count === 0) list.replaceChildren()
  for (const event of events.slice(listed.count)) list.prepend(lineOf(event))
  listed.count = events.length
  while (list.children.length > shownEvents) list.lastElementChild?.remove()
}

function lineOf({ kind, step, summary }: LifeEvent): HTMLLIElement {
  const name = marked.get(kind) ?? kind
  return element(
    'li',
    element(`span.kind ${marked.has(kind) ? kind : ''}`, name),
    ` ${summary} `,
    element('span.when', `step ${count(step)}`),
  )
}
