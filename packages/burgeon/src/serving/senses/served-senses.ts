/** The senses of a model, as a server has them. */
import type { Gpt } from '@burgeon/gpt'
import type { ServedSenses } from '@burgeon/server'
import { senseCalled, sensesOf } from '../../session/media/senses-of.ts'
import { mediaOf, writePiece } from '../../session/media/write-piece.ts'
import { findSenses } from '../../sources/media/find-senses.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** Moments of a table that are shown before what comes. */
const shownMoments = 64

/** Reads and writes pieces of the senses that a model has grown; undefined where it has none. */
export function servedSenses({ config }: Gpt): ServedSenses | undefined {
  if (config.patches === undefined) return undefined
  return {
    all: () => sensesOf({ config }).map(({ label, codec }) => ({ name: label, media: mediaOf(codec) })),
    async write(wanted, model, drawing) {
      const sense = senseCalled('serve', { config }, wanted, 'this model')
      const bytes = await writePiece('serve', await findSenses('serve'), model, sense, drawing)
      return { sense: sense.label, media: mediaOf(sense.codec) ?? '', bytes }
    },
    async forecast(table, model, how) {
      const senses = await findSenses('serve')
      const { names, columns } = senses.readTable(table, 'the table')
      const label = senses.labelOf(senses.series, [names.length])
      if (!sensesOf({ config }).some((sense) => sense.label === label))
        senseCalled('serve', { config }, label, 'this model')
      const next = await senses.forecast(model, { channels: columns }, how)
      return names.map((name, i) => ({
        ...{ name, latest: columns[i].slice(-shownMoments) },
        ...{ median: next.median[i], lower: next.lower[i], upper: next.upper[i] },
      }))
    },
    async tokensOf({ kind, bytes, name }) {
      const senses = await findSenses('serve')
      // A sound that is cut would be several pieces.
      const cut = { soundSamples: 16 * config.context, samples: 2 ** 20, pixels: 2 ** 20 }
      const ending = kind === 'picture' ? 'png' : 'wav'
      const [piece, ...others] = senses.readPieces(bytes, `${name}.${ending}`, cut)
      const known = config.patches?.senses ?? []
      const sense = known.find((each) => each.name === piece?.label)
      if (piece === undefined || others.length > 0) {
        throw new UsageError(
          `got a ${kind} of none or too many samples; expected what fits into the context.`,
        )
      }
      if (sense === undefined) {
        const all = known.map((each) => each.name).join(', ')
        throw new UsageError(`got ${piece.label}; expected a sense that this model has learnt: ${all}.`)
      }
      const { tokens } = piece.row(config)
      return [...tokens, ...(sense.end === undefined ? [] : [sense.end])]
    },
  }
}
