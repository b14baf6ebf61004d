/** Loss against operations as a picture: one line a method, one dot where each ends. */

/** Measurements of one method on the way. */
export interface Curve {
  readonly name: string
  readonly points: readonly { readonly flops: number; readonly loss: number }[]
}

const [width, height] = [960, 520]
const [left, right, top, bottom] = [56, 24, 20, 44]
/** Okabe and Ito's colors, which people with color-blindness can tell apart, on light and dark ground. */
const colors = ['#7f7f7f', '#0072b2', '#56b4e9', '#009e73', '#d55e00', '#e69f00', '#cc79a7']

/**
 * A picture in SVG. The first measurements, where every loss falls steeply, are above its upper edge.
 *
 * @param goal A loss that gets a line across, in nats.
 */
export function curves(lives: readonly Curve[], goal: number): string {
  const points = lives.flatMap((life) => life.points)
  const most = Math.max(...points.map(({ flops }) => flops))
  const least = Math.floor(10 * Math.min(goal, ...points.map(({ loss }) => loss))) / 10
  const highest = least + 0.8
  const x = (flops: number): string => (left + (flops / most) * (width - left - right)).toFixed(1)
  const y = (loss: number): string =>
    (top + ((highest - loss) / (highest - least)) * (height - top - bottom)).toFixed(1)
  const heights = Array.from({ length: 9 }, (_, i) => least + i / 10)
  const amounts = Array.from({ length: 6 }, (_, i) => (i / 5) * most)
  const lines = lives.map(({ name, points: of }, i) => {
    const color = colors[i % colors.length]
    const line = `stroke="${color}" stroke-width="2"${i < colors.length ? '' : ' stroke-dasharray="6 3"'}`
    const seen = of.filter(({ loss }) => loss <= highest)
    const path = seen.map(({ flops, loss }) => `${x(flops)},${y(loss)}`).join(' ')
    const end = of[of.length - 1]
    const legend = top + 14 + 20 * i
    return (
      `<g><title>${name}: ${end.loss.toFixed(3)} nats after ${(end.flops / 1e12).toFixed(2)} TFLOP</title>` +
      `<polyline points="${path}" fill="none" ${line}/>` +
      `<circle cx="${x(end.flops)}" cy="${y(end.loss)}" r="4" fill="${color}"/>` +
      `<path d="M${width - 376} ${legend}h24" ${line}/>` +
      `<text x="${width - 344}" y="${legend + 4}">${name}</text></g>`
    )
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" font-family="sans-serif" font-size="13" fill="#777">`,
    '<title>Held-out loss of growing models against operations of training</title>',
    ...heights.map((loss) => across(loss, y(loss), '#8884')),
    ...amounts.map((flops) => {
      const label = (flops / 1e12).toPrecision(2)
      return `<text x="${x(flops)}" y="${height - bottom + 20}" text-anchor="middle">${label}</text>`
    }),
    `<path d="M${left} ${y(goal)}H${width - right}" stroke="#888" stroke-dasharray="4 4"/>`,
    ...lines,
    `<text x="${width / 2}" y="${height - 6}" text-anchor="middle">operations of training, TFLOP</text>`,
    `<text x="14" y="${height / 2}" text-anchor="middle" transform="rotate(-90 14 ${height / 2})">held-out loss, nats per character</text>`,
    '</svg>\n',
  ].join('\n')
}

function across(loss: number, at: string, color: string): string {
  return (
    `<path d="M${left} ${at}H${width - right}" stroke="${color}"/>` +
    `<text x="${left - 8}" y="${Number(at) + 4}" text-anchor="end">${loss.toFixed(1)}</text>`
  )
}
