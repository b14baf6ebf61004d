/** Pictures and sound: what is sent with a message, and how any is shown. */
import { element } from '../elements.ts'

/** A file that a model reads or has written. */
export interface Piece {
  readonly media: 'image/png' | 'audio/wav'
  /** What it is called, for who does not see or hear it. */
  readonly name: string
  readonly base64: string
}

/** A part of a message, as the server takes it. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string } }
  | { readonly type: 'input_audio'; readonly input_audio: { readonly data: string; readonly format: 'wav' } }

/** Types that browsers give to files of sound. */
const soundTypes = ['audio/wav', 'audio/x-wav', 'audio/wave', 'audio/vnd.wave']

/** A file that was chosen. Throws for one of another form. */
export async function pieceOf(file: File): Promise<Piece> {
  const media = file.type === 'image/png' ? 'image/png' : soundTypes.includes(file.type) ? 'audio/wav' : null
  if (media === null) throw new Error(`${file.name} is neither a picture (PNG) nor sound (WAV).`)
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader()
    reader.addEventListener('load', () => resolve(reader.result as string))
    reader.addEventListener('error', () => reject(new Error(`${file.name} cannot be read.`)))
    reader.readAsDataURL(file)
  })
  return { media, name: file.name, base64: url.slice(url.indexOf(',') + 1) }
}

/** A piece as a part of a message. */
export const partOf = ({ media, base64 }: Piece): ContentPart =>
  media === 'image/png'
    ? { type: 'image_url', image_url: { url: urlOf({ media, base64 }) } }
    : { type: 'input_audio', input_audio: { data: base64, format: 'wav' } }

/** A picture that can be seen, or sound that can be heard. The file is data, whatever stands in it. */
export function shown(piece: Piece): HTMLElement {
  const figure = element('figure.piece')
  if (piece.media === 'image/png') {
    const image = element('img')
    image.alt = piece.name
    image.src = urlOf(piece)
    figure.append(image)
  } else {
    const audio = element('audio')
    audio.controls = true
    audio.ariaLabel = piece.name
    audio.src = urlOf(piece)
    figure.append(audio)
  }
  figure.append(element('figcaption.note', piece.name))
  return figure
}

const urlOf = ({ media, base64 }: Pick<Piece, 'media' | 'base64'>): string =>
  `data:${media};base64,${/^[A-Za-z0-9+/]*={0,2}$/.test(base64) ? base64 : ''}`
