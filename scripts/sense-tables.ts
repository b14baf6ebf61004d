/** Tables of what models with senses have learnt. */
import { readResult } from './kept-results.ts'
import { table } from './markdown-table.ts'

/** Bits of a pixel of films, learnt and counted. */
export function filmsLearnt(): string {
  const rows = readResult('video').rows.map(({ case: about, value, values = [value], peerValue }) => [
    about,
    value.toFixed(3),
    values.map((one) => one.toFixed(3)).join(', '),
    (peerValue ?? Number.NaN).toFixed(3),
  ])
  return table([['', 'bits a pixel', 'seed by seed', 'counted copies of the picture before'], ...rows])
}

/** Bits of a byte of each of five senses in one model, in models of their own, and with one that comes later. */
export function fiveSenses(): string {
  const result = readResult('five-senses')
  const metric = 'bits per byte'
  const found = (about: string): readonly string[] => {
    const row = result.rows.find((one) => one.case === about && one.metric === metric)
    return [row?.value, row?.peerValue].map((bits) => bits?.toFixed(3) ?? '')
  }
  const rows = ['text', 'pictures', 'sound', 'series', 'films'].map((name) => {
    const [ofFive, alone] = found(`${name}, of five`)
    const [late, without] = name === 'films' ? [found('films, later')[0], ''] : found(`${name}, films later`)
    return [name, alone, ofFive, late, without]
  })
  const heads = ['alone, as many rows of it', 'one of five', 'films came at half-life', 'had they not come']
  return table([['', ...heads], ...rows])
}
