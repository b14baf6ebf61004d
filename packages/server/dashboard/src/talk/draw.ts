/** Has the model draw a picture, or write sound. */
import { ask } from '../ask.ts'
import type { SenseJson } from '../connection.ts'
import { acting, byId, element, onSubmit, part } from '../elements.ts'
import { type Piece, shown } from './pieces.ts'

/** An answer of the server. */
interface PieceJson {
  readonly sense: string
  readonly media_type: Piece['media']
  readonly data: string
}

/** Shows what can be drawn, and whether files can be sent. */
export function showSenses(senses: readonly SenseJson[]): void {
  const names = senses.filter(({ media }) => media !== null).map(({ name }) => name)
  part('draw').hidden = names.length === 0
  part('attach').hidden = senses.length === 0
  part('foretell').hidden = !senses.some(({ name }) => name.startsWith('series/'))
  const list = byId('sense', HTMLSelectElement)
  const known = [...list.options].map(({ value }) => value)
  // What somebody has chosen stays chosen.
  if (known.join('\n') === names.join('\n')) return
  const { value } = list
  list.replaceChildren(...names.map((name) => element('option', name)))
  if (names.includes(value)) list.value = value
}

/** Has the form draw, and shows the latest at the top. */
export function watchDrawing(modelOf: () => { readonly id: string }): void {
  const form = part('draw-form')
  onSubmit('draw-form', () => {
    const [sense, prompt] = [byId('sense', HTMLSelectElement), byId('called', HTMLInputElement)]
    const send = form.querySelector('button') as HTMLButtonElement
    void acting(send, async () => {
      const [name, called] = [sense.value, prompt.value.trim()]
      const drawn = await ask<PieceJson>('/v1/pieces', {
        ...{ model: modelOf().id, sense: name },
        ...(called !== '' && { prompt: called }),
      })
      const title = called === '' ? drawn.sense : `${called} (${drawn.sense})`
      const piece = { media: drawn.media_type, name: title, base64: drawn.data }
      part('drawn').prepend(shown(piece))
      while (part('drawn').childElementCount > 12) part('drawn').lastElementChild?.remove()
      part('answered').textContent = `Drawn: ${title}`
    })
  })
}
