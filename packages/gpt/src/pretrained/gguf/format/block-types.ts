/** How GGUF stores numbers: in blocks of a type, each with scales of its own. */

/** A type's blocks. */
export interface BlockType {
  /** Numbers of a block. */
  readonly numbers: number
  readonly bytes: number
}

/** Types by their code; those whose blocks are not known have a name alone. */
const types: Readonly<Record<number, readonly [name: string, numbers?: number, bytes?: number]>> = {
  0: ['F32', 1, 4],
  1: ['F16', 1, 2],
  2: ['Q4_0', 32, 18],
  3: ['Q4_1', 32, 20],
  6: ['Q5_0', 32, 22],
  7: ['Q5_1', 32, 24],
  8: ['Q8_0', 32, 34],
  9: ['Q8_1', 32, 36],
  10: ['Q2_K', 256, 84],
  11: ['Q3_K', 256, 110],
  12: ['Q4_K', 256, 144],
  13: ['Q5_K', 256, 176],
  14: ['Q6_K', 256, 210],
  15: ['Q8_K', 256, 292],
  16: ['IQ2_XXS'],
  17: ['IQ2_XS'],
  18: ['IQ3_XXS'],
  19: ['IQ1_S'],
  20: ['IQ4_NL'],
  21: ['IQ3_S'],
  22: ['IQ2_S'],
  23: ['IQ4_XS'],
  24: ['I8', 1, 1],
  25: ['I16', 1, 2],
  26: ['I32', 1, 4],
  27: ['I64', 1, 8],
  28: ['F64', 1, 8],
  29: ['IQ1_M'],
  30: ['BF16', 1, 2],
  34: ['TQ1_0'],
  35: ['TQ2_0'],
  39: ['MXFP4'],
}

/** The type of a code. */
export function blockTypeOf(code: number): { readonly type: string; readonly blocks: BlockType | undefined } {
  const [type, numbers, bytes] = Object.hasOwn(types, code) ? types[code] : [`number ${code}`]
  return { type, blocks: numbers === undefined || bytes === undefined ? undefined : { numbers, bytes } }
}
