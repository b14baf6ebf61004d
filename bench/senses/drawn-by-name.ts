/** A model that draws what is named, judged by what knows nothing of it: the mean picture that is nearest. */
import { grey, type Raster } from '@burgeon/senses'
import { learnPieces, type NamedPieces, type NamingOptions } from './named-pieces.ts'

/** What was drawn. Plain data. */
export interface Drawing {
  readonly parameters: number
  /** Share of pictures whose nearest mean picture is that of their name, and that of the next name in order. */
  readonly recognized: number
  readonly asAnother: number
  /** Share of true pictures that the nearest mean picture names right. */
  readonly judged: number
}

/**
 * Learns pictures by names before them, and draws so many of each name.
 *
 * @param temperature Of what is drawn.
 */
export async function drawByName(
  train: NamedPieces<Raster>,
  test: NamedPieces<Raster>,
  options: NamingOptions & { readonly each: number; readonly temperature: number },
): Promise<Drawing> {
  const { each, temperature, seed } = options
  const model = await learnPieces(grey, train, 'before', options)
  const judge = new NearestMean(train)
  const { height, width } = train.at(0).piece
  const { senses } = model.config.patches ?? { senses: [] }
  const asked = judge.names.flatMap((name) => Array.from({ length: each }, () => name))
  const prompts = asked.map((name) => [...new TextEncoder().encode(`${name}\n`), senses[0].token])
  const rows = await model.generate(prompts, { tokens: height * width, temperature, seed: seed * 1000 })
  let [recognized, asAnother] = [0, 0]
  rows.forEach(({ tokens }, i) => {
    const drawn = grey.decode({ bytes: Uint8Array.from(tokens), size: [height, width] })
    const [judged, place] = [judge.nameOf(drawn), judge.names.indexOf(asked[i])]
    if (judged === asked[i]) recognized++
    if (judged === judge.names[(place + 1) % judge.names.length]) asAnother++
  })
  let right = 0
  for (let i = 0; i < test.count; i++) if (judge.nameOf(test.at(i).piece) === test.at(i).name) right++
  const { size } = model.parameters
  model.dispose()
  const drawn = asked.length
  return {
    parameters: size,
    ...{ recognized: recognized / drawn, asAnother: asAnother / drawn, judged: right / test.count },
  }
}

/** Names a picture by the mean of those that have the name: the one that is nearest. */
class NearestMean {
  readonly names: readonly string[]
  readonly #means: readonly Float64Array[]

  constructor({ count, at }: NamedPieces<Raster>) {
    const sums = new Map<string, { sum: Float64Array; count: number }>()
    for (let i = 0; i < count; i++) {
      const { piece, name } = at(i)
      const own = sums.get(name) ?? { sum: new Float64Array(piece.pixels.length), count: 0 }
      piece.pixels.forEach((pixel, j) => (own.sum[j] += pixel))
      own.count++
      sums.set(name, own)
    }
    this.names = [...sums.keys()].toSorted()
    this.#means = this.names.map((name) => {
      const { sum, count: many } = sums.get(name) as { sum: Float64Array; count: number }
      return sum.map((total) => total / many)
    })
  }

  nameOf({ pixels }: Raster): string {
    const distances = this.#means.map((mean) =>
      mean.reduce((sum, value, i) => sum + (value - pixels[i]) ** 2, 0),
    )
    return this.names[distances.indexOf(Math.min(...distances))]
  }
}
