import type { Sizes } from './protocol.ts'
import { svg } from './svg.ts'

const [width, labels, blockHeight, gap] = [360, 96, 46, 14]
/** Units as wide as the picture has room for, until a model has more. */
const usual = 400

/** Draws a model from the bottom to the top, each block as wide as its MLP, its heads side by side. */
export function drawArchitecture(picture: SVGElement, { embed, context, blocks }: Sizes): void {
  const widest = Math.max(usual, embed, ...blocks.map(({ mlpHidden }) => mlpHidden))
  const scale = (width - labels) / widest
  const height = blocks.length * (blockHeight + gap) + 2 * 26 + gap
  const bar = (kind: string, wide: number, y: number, high: number, said: string): SVGElement[] => [
    svg('rect', { class: kind, x: left(wide * scale), y, width: wide * scale, height: high, rx: 3 }),
    label(said, y + high / 2 + 4),
  ]
  const parts = [
    ...blocks.flatMap(({ heads, mlpHidden }, i) => {
      const y = height - 26 - (i + 1) * (blockHeight + gap)
      return [
        ...bar('mlp', mlpHidden, y, 22, `${mlpHidden} units`),
        ...bar('attention', embed, y + 24, 22, `${heads} heads`),
        ...Array.from({ length: heads - 1 }, (_, head) => {
          const x = left(embed * scale) + ((head + 1) / heads) * embed * scale
          return svg('line', { class: 'cut', x1: x, x2: x, y1: y + 24, y2: y + 46 })
        }),
      ]
    }),
    ...bar('ends', embed, height - 22, 18, `${embed} wide`),
    ...bar('ends', embed, 4, 18, 'next token'),
  ]
  picture.setAttribute('viewBox', `0 0 ${width} ${height}`)
  const units = blocks.map(({ mlpHidden }) => mlpHidden).join(', ')
  picture.setAttribute(
    'aria-label',
    `The model: ${blocks.length} block${blocks.length === 1 ? '' : 's'}, ${embed} wide, with ${units} hidden units; it reads ${context} tokens.`,
  )
  picture.replaceChildren(...parts)
}

/** Where something of this width begins, in the middle of what the labels leave. */
const left = (wide: number): number => labels + (width - labels - wide) / 2

function label(text: string, y: number): SVGElement {
  const element = svg('text', { x: labels - 10, y })
  element.textContent = text
  return element
}
