/** Weights with what growth has left beside them folded in. */
import type { Tensor } from '@burgeon/tensor'
import type { GptConfig } from '../config/gpt-config.ts'
import { configFromPretrained } from './config/config-from-pretrained.ts'
import { configJson } from './config/config-json.ts'
import { PretrainedError } from './config/pretrained-error.ts'

/** The numbers of a tensor, times a factor. */
export async function scaledNumbers(tensor: Tensor, factor: number): Promise<Float32Array> {
  const numbers = Float32Array.from(await tensor.read())
  if (factor !== 1) for (let i = 0; i < numbers.length; i++) numbers[i] *= factor
  return numbers
}

/** What the numbers of a parameter, by its path, are multiplied by in files of the model's class. */
export function fileFactors(config: GptConfig): (path: string) => number {
  const isPlain =
    config.normWidth === undefined && config.blocks.every((block) => block.scoreWidth === undefined)
  if (isPlain) return () => 1
  const target = targetOf(config)
  return (path) => (target ? factorOf(config, target, path) : 1)
}

/** The configuration that a model's file has; undefined of one that no class has. */
function targetOf(config: GptConfig): GptConfig | undefined {
  try {
    return configFromPretrained('config.json', configJson('config.json', config))
  } catch (error) {
    if (error instanceof PretrainedError) return undefined
    throw error
  }
}

/**
 * What the numbers of a parameter are multiplied by. With s = n/C, n the width that norms divide by and C the
 * present one, a norm is that of the class with gain·√s and ε·s. Norms of queries and keys have the same ε
 * there: with projections times √s they make the same of it. Scores that are divided by another root than the
 * class's have what is missing in the queries.
 */
export function factorOf(config: GptConfig, target: GptConfig, path: string): number {
  const { embed, normWidth = embed, queryKeyNorm } = config
  const share = Math.sqrt(normWidth / embed)
  if (/^(blocks\.[^.]+\.(attention|mlp)|head)\.norm\.gain$/.test(path)) return share
  const [, id, part] = /^blocks\.([^.]+)\.attention\.(query|key)\./.exec(path) ?? []
  if (id === undefined) return 1
  const isGain = path.endsWith('.norm.gain')
  const ofNorm = queryKeyNorm && !isGain ? share : 1
  const at = config.blocks.findIndex((block) => block.id === id)
  const [ours, theirs] = [config, target].map(({ blocks }) => blocks[at].scoreWidth ?? blocks[at].headDim)
  const ofScores = part === 'query' && isGain === (queryKeyNorm === true) ? Math.sqrt(theirs / ours) : 1
  return ofNorm * ofScores
}
