/** The life of a model's sizes as a picture: one column for every growth, one band for every block. */
import { type GptConfig, parameterSpecs } from '@burgeon/gpt'
import { growthConfigs, type GrowthLog } from '@burgeon/gpt/growth'
import { count } from '../terminal/quantities.ts'
import { escapeMarkup } from './charts/escape-markup.ts'

const [width, height] = [960, 480]
const margin = { left: 72, right: 16, top: 36, bottom: 32 }
/** Okabe and Ito's colors, which people with color-blindness can tell apart. */
const colors = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#0072b2', '#d55e00', '#b8a900']
const restColor = '#8a8a8a'

interface Band {
  readonly id: string | null
  readonly parameters: number
}

/**
 * A picture in SVG, as wide as its life is long: what is not in a block (embeddings, head) lies at the
 * bottom, the blocks above it from the lowest to the highest, each as high as it has parameters. Hovering
 * over a column says what happened.
 */
export function growthPicture(log: GrowthLog): string {
  const summaries = log.entries.map(({ kind, summary }) =>
    kind === 'taken back' ? `taken back: ${summary}` : summary,
  )
  const columns = growthConfigs(log).map((config, i) => ({
    bands: bandsOf(config),
    what: i === 0 ? 'born' : summaries[i - 1],
  }))
  const ids = [...new Set(columns.flatMap(({ bands }) => bands.flatMap(({ id }) => id ?? [])))]
  const colorOf = (id: string | null): string =>
    id === null ? restColor : colors[ids.indexOf(id) % colors.length]
  const totals = columns.map(({ bands }) => bands.reduce((total, { parameters }) => total + parameters, 0))
  const most = totals.reduce((a, b) => Math.max(a, b))
  const [plotWidth, plotHeight] = [width - margin.left - margin.right, height - margin.top - margin.bottom]
  const step = plotWidth / columns.length
  const y = (parameters: number): number => margin.top + (1 - parameters / most) * plotHeight
  const drawn = columns.map(({ bands, what }, i) => {
    const x = margin.left + i * step
    let below = 0
    const rectangles = bands.map(({ id, parameters }) => {
      const top = y(below + parameters)
      const label = `${id === null ? 'embeddings and head' : `block ${id}`}: ${count(parameters)} parameters`
      const shape = `x="${px(x)}" y="${px(top)}" width="${px(Math.max(0.5, step - 1))}" height="${px(y(below) - top)}"`
      below += parameters
      return `<rect ${shape} fill="${colorOf(id)}"><title>${escapeMarkup(label)}</title></rect>`
    })
    return `<g><title>${escapeMarkup(`${i}. ${what}, ${count(totals[i])} parameters`)}</title>${rectangles.join('')}</g>`
  })
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(share * most)
    return (
      `<path d="M${margin.left - 4} ${px(at)}H${width - margin.right}" stroke="#8886"/>` +
      `<text x="${margin.left - 8}" y="${px(at + 4)}" text-anchor="end">${count(Math.round(share * most))}</text>`
    )
  })
  const title = `From ${count(totals[0])} to ${count(totals[totals.length - 1])} parameters in ${count(log.entries.length)} steps`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="13" fill="#777">`,
    `<title>${title}</title>`,
    `<text x="${margin.left}" y="20">${title}</text>`,
    ...drawn,
    ...ticks,
    `<text x="${margin.left + plotWidth / 2}" y="${height - 10}" text-anchor="middle">births, growths and what was taken back, in order</text>`,
    '</svg>\n',
  ].join('\n')
}

function bandsOf(config: GptConfig): Band[] {
  const sizes = parameterSpecs(config).map(
    ({ path, shape }) => [path, shape.reduce((a, b) => a * b, 1)] as const,
  )
  const sizeOf = (belongs: (path: string) => boolean): number =>
    sizes.reduce((total, [path, size]) => total + (belongs(path) ? size : 0), 0)
  return [
    { id: null, parameters: sizeOf((path) => !path.startsWith('blocks.')) },
    ...config.blocks.map(({ id }) => ({
      id,
      parameters: sizeOf((path) => path.startsWith(`blocks.${id}.`)),
    })),
  ]
}

const px = (value: number): number => Math.round(10 * value) / 10
