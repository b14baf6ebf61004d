import type { Point } from './protocol.ts'
import { svg } from './svg.ts'

const [left, right] = [44, 12]
/** The two panels, from top to bottom. */
const panels = { loss: [20, 150], size: [186, 250] } as const

/** Draws how well the text was predicted in each step, how large the model was, and where it grew. */
export function drawCourse(picture: SVGElement, course: readonly Point[]): void {
  // As wide as it is shown, so that letters are as large as elsewhere.
  const width = Math.max(280, picture.clientWidth)
  picture.setAttribute('viewBox', `0 0 ${width} 276`)
  if (course.length === 0) {
    picture.setAttribute('aria-label', 'Nothing has been learnt yet.')
    picture.replaceChildren(text('Nothing has been learnt yet.', width / 2, 130, 'middle'))
    return
  }
  const [first, last] = [course[0], course[course.length - 1]]
  const x = (step: number): number =>
    left + ((step - first.step) / Math.max(1, last.step - first.step)) * (width - left - right)
  const highest = Math.max(8, ...course.map(({ bitsPerByte }) => bitsPerByte))
  const largest = Math.max(...course.map(({ parameters }) => parameters))
  const y = ([top, bottom]: readonly [number, number], share: number): number =>
    bottom - share * (bottom - top)
  const line = (panel: readonly [number, number], shareOf: (point: Point) => number): string =>
    course.map((point) => `${x(point.step).toFixed(1)},${y(panel, shareOf(point)).toFixed(1)}`).join(' ')
  const growths = course.filter(({ growth }) => growth !== null)
  picture.replaceChildren(
    ...growths.map(({ step }) =>
      svg('line', { class: 'growth', x1: x(step), x2: x(step), y1: panels.loss[0], y2: panels.size[1] }),
    ),
    ...[0, highest / 2, highest].flatMap((bits) => [
      svg('line', { class: 'grid', x1: left, x2: width - right, ...level(y(panels.loss, bits / highest)) }),
      text(bits.toFixed(1), left - 6, y(panels.loss, bits / highest) + 4, 'end'),
    ]),
    ...[0, largest].flatMap((size) => [
      svg('line', { class: 'grid', x1: left, x2: width - right, ...level(y(panels.size, size / largest)) }),
      text(short(size), left - 6, y(panels.size, size / largest) + 4, 'end'),
    ]),
    svg('polyline', { class: 'loss', points: line(panels.loss, ({ bitsPerByte }) => bitsPerByte / highest) }),
    svg('polyline', { class: 'size', points: line(panels.size, ({ parameters }) => parameters / largest) }),
    text('bits per byte, before it was learnt', left, panels.loss[0] - 8, 'start'),
    text('parameters', left, panels.size[0] - 8, 'start'),
    text(`step ${first.step}`, left, 270, 'start'),
    text(`step ${last.step}`, width - right, 270, 'end'),
  )
  picture.setAttribute(
    'aria-label',
    `Over ${course.length} steps, from ${first.bitsPerByte.toFixed(2)} to ${last.bitsPerByte.toFixed(2)} bits per byte, ` +
      `from ${first.parameters} to ${last.parameters} parameters, in ${growths.length} growths.`,
  )
}

const level = (y: number): { y1: number; y2: number } => ({ y1: y, y2: y })

const short = (count: number): string => (count < 1000 ? `${count}` : `${Math.round(count / 1000)}k`)

function text(content: string, x: number, y: number, anchor: 'start' | 'middle' | 'end'): SVGElement {
  const element = svg('text', { x, y, 'text-anchor': anchor })
  element.textContent = content
  return element
}
