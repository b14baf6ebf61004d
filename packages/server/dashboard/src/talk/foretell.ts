/** Has the model tell what comes next in a table, and shows it as lines. */
import { ask } from '../ask.ts'
import { shape } from '../chart.ts'
import { acting, byId, element, onSubmit, part } from '../elements.ts'

/** A column as the server tells it; null where nothing is. */
interface Column {
  readonly name: string
  readonly latest: readonly (number | null)[]
  readonly median: readonly (number | null)[]
  readonly lower: readonly (number | null)[]
  readonly upper: readonly (number | null)[]
}

const [width, height, edge] = [320, 110, 6]

/** Has the form ask, and shows each column. */
export function watchForetelling(modelOf: () => { readonly id: string }): void {
  const form = part('foretell-form')
  onSubmit('foretell-form', () => {
    const [files, steps] = [byId('table', HTMLInputElement), byId('moments', HTMLInputElement)]
    const send = form.querySelector('button') as HTMLButtonElement
    void acting(send, async () => {
      const table = await files.files?.[0]?.text()
      if (table === undefined) throw new Error('Choose a table (CSV).')
      const { columns } = await ask<{ readonly columns: readonly Column[] }>('/v1/forecast', {
        ...{ model: modelOf().id, table, steps: Number(steps.value), samples: 20 },
      })
      part('foretold').replaceChildren(...columns.map(drawn))
      part('answered').textContent = `Foretold: ${columns.map(labelOf).join('; ')}`
    })
  })
}

/** What was read last as a line, and behind it the median in its band. */
function drawn(column: Column): HTMLElement {
  const { name, latest, median, lower, upper } = column
  const known = [latest, median, lower, upper].flat().filter((value) => value !== null)
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const last = latest.length + median.length - 1
  const x = (i: number): string => (edge + (i / Math.max(1, last)) * (width - 2 * edge)).toFixed(1)
  const y = (value: number): string =>
    (height - edge - ((value - low) / (high - low || 1)) * (height - 2 * edge)).toFixed(1)
  const pathOf = (values: readonly (number | null)[], from: number): string =>
    values
      .map((value, i) => {
        if (value === null) return ''
        const isFirst = i === 0 || values[i - 1] === null
        return `${isFirst ? 'M' : 'L'}${x(from + i)} ${y(value)}`
      })
      .join('')
  const there = median.map((_, i) => i).filter((i) => lower[i] !== null && upper[i] !== null)
  const corner = (of: readonly (number | null)[], i: number): string =>
    `${x(latest.length + i)} ${y(of[i] ?? low)}`
  const band = [...there.map((i) => corner(lower, i)), ...there.toReversed().map((i) => corner(upper, i))]
  const picture = shape('svg', {
    ...{ role: 'img', 'aria-label': labelOf(column) },
    ...{ viewBox: `0 0 ${width} ${height}`, width, height },
  })
  picture.append(
    ...(band.length > 0 ? [shape('path', { class: 'band', d: `M${band.join('L')}Z` })] : []),
    shape('path', { class: 'raw', d: pathOf(latest, 0) }),
    shape('path', { class: 'curve', d: pathOf(median, latest.length) }),
  )
  return element('figure.piece', picture, element('figcaption.note', name))
}

/** What a drawing shows, in words. */
function labelOf({ name, latest, median }: Column): string {
  const [before, after] = [latest.at(-1) ?? null, median.at(-1) ?? null]
  const said = (value: number | null): string =>
    value === null ? 'nothing' : String(Number(value.toPrecision(4)))
  return `${name}: from ${said(before)} to ${said(after)} in ${median.length} moments`
}
