/** The senses of a model, by what people call them. */
import type { Gpt } from '@burgeon/gpt'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'

/** A sense and the size of its pieces. */
export interface NamedSense {
  /** As `grey/1 28×28`. */
  readonly label: string
  /** Name of the codec. */
  readonly codec: string
  readonly size: readonly number[]
}

/** The senses that a model has grown. */
export function sensesOf({ config }: Pick<Gpt, 'config'>): readonly NamedSense[] {
  return (config.patches?.senses ?? []).map(({ name }) => {
    const [codec, size = ''] = name.split(' ')
    return {
      label: name,
      codec: codec.split('/')[0],
      size: size === '' ? [] : size.split('×').map(Number),
    }
  })
}

/**
 * The sense that is called so: by its codec, where there is one size, or wholly, with `x` or `×`.
 *
 * @throws UsageError where there is none, or several.
 */
export function senseCalled(
  who: string,
  model: Pick<Gpt, 'config'>,
  wanted: string,
  from: string,
): NamedSense {
  const all = sensesOf(model)
  const whole = all.find(({ label }) => label.replaceAll('×', 'x') === wanted.replaceAll('×', 'x'))
  const meant = whole === undefined ? all.filter(({ codec }) => codec === wanted) : [whole]
  if (meant.length === 1) return meant[0]
  const known = all.length === 0 ? 'none but text' : all.map(({ label }) => `'${label}'`).join(', ')
  const found = meant.length === 0 ? 'no sense' : `${meant.length} sizes`
  throw new UsageError(
    `${who}: got ${found} called ${printable(wanted)} in ${printable(from)}; expected one of those it has learnt: ${known}.`,
  )
}
