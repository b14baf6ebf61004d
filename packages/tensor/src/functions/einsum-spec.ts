/** The specification of an `einsum`: the labels of its operands' axes. */
import { OptionError, ShapeError } from '../errors.ts'
import { formatShape, type Shape } from '../shape.ts'

/** A letter; or `…0`, `…1`, … for the axes of an ellipsis, counted from the right. */
export type Label = string

/** The labels of every operand's axes and of the result's, and the size of each label. */
export interface EinsumSpec {
  readonly operands: readonly (readonly Label[])[]
  readonly output: readonly Label[]
  readonly sizes: ReadonlyMap<Label, number>
}

/**
 * Reads a specification such as `ij,jk->ik`.
 *
 * @throws OptionError for a specification that cannot be read, ShapeError where it does not fit the operands.
 */
export function einsumSpec(spec: string, shapes: readonly Shape[]): EinsumSpec {
  const plain = spec.replaceAll(/\s/g, '')
  const found = /^([A-Za-z.,]*)(?:->([A-Za-z.]*))?$/.exec(plain)
  if (found === null) {
    throw refusal(spec, "letters, '...' and commas, and '->' with letters of the result, such as 'ij,jk->ik'")
  }
  const [, left, right] = found as unknown as [string, string, string | undefined]
  const terms = left.split(',').map((term) => lettersOf(spec, term))
  if (terms.length !== shapes.length) {
    throw new ShapeError(
      `einsum: got '${spec}' for ${shapes.length} tensors; expected as many tensors as there are terms, ${terms.length}.`,
    )
  }
  const operands = terms.map((term, i) => labelAxes(spec, term, shapes[i]))
  const sizes = sizesOf(spec, operands, shapes)
  const hidden = [...sizes.keys()].filter((label) => label.startsWith('…'))
  const ellipsis = hidden.toSorted((a, b) => Number(b.slice(1)) - Number(a.slice(1)))
  const output = right === undefined ? impliedBy(operands, ellipsis) : resultLabels(spec, right, ellipsis)
  const unknown = output.find((label) => !sizes.has(label))
  if (unknown !== undefined) throw refusal(spec, `'${unknown}' of the result to be in a term, too`)
  if (new Set(output).size < output.length) throw refusal(spec, 'every letter of the result once')
  return { operands, output, sizes }
}

function refusal(spec: string, expected: string): OptionError {
  return new OptionError(`einsum: got spec '${spec}'; expected ${expected}.`)
}

/** Reads the labels of a term: letters and at most one ellipsis, `…`. */
function lettersOf(spec: string, term: string): string[] {
  const letters = term.replace('...', '…').split('')
  if (letters.includes('.')) throw refusal(spec, "dots only as one '...' in a term")
  return letters
}

function labelAxes(spec: string, letters: readonly string[], shape: Shape): Label[] {
  const hidden = shape.length - letters.filter((letter) => letter !== '…').length
  if (hidden < 0 || (hidden > 0 && !letters.includes('…'))) {
    throw new ShapeError(
      `einsum: got '${letters.join('').replace('…', '...')}' in '${spec}' for a tensor ${formatShape(shape)}; ` +
        'expected a letter for every axis.',
    )
  }
  return letters.flatMap((letter) =>
    letter === '…' ? Array.from({ length: hidden }, (_, i) => `…${hidden - 1 - i}`) : [letter],
  )
}

/** Finds the size of each label. Sizes of 1 stretch, but not twice in one operand. */
function sizesOf(
  spec: string,
  operands: readonly (readonly Label[])[],
  shapes: readonly Shape[],
): Map<Label, number> {
  const sizes = new Map<Label, number>()
  operands.forEach((labels, k) => {
    labels.forEach((label, i) => {
      const size = sizes.get(label) ?? 1
      const own = shapes[k][i]
      const first = shapes[k][labels.indexOf(label)]
      if (first !== own || (size !== own && size !== 1 && own !== 1)) {
        throw new ShapeError(
          `einsum: got sizes ${first === own ? size : first} and ${own} for '${label}' in '${spec}' of ` +
            `${shapes.map(formatShape).join(' and ')}; expected one size for each letter, or 1.`,
        )
      }
      sizes.set(label, size === 1 ? own : size)
    })
  })
  return sizes
}

/**
 * The result's labels where the specification has no arrow: the ellipsis, then the labels that occur once, in
 * alphabetical order.
 */
function impliedBy(operands: readonly (readonly Label[])[], ellipsis: readonly Label[]): Label[] {
  const letters = operands.flat().filter((label) => !label.startsWith('…'))
  const single = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
  return [...ellipsis, ...single.toSorted()]
}

function resultLabels(spec: string, right: string, ellipsis: readonly Label[]): Label[] {
  return lettersOf(spec, right).flatMap((letter) => (letter === '…' ? ellipsis : [letter]))
}
