/** Whether a model is one of its class, when all that can be folded into weights is folded. */
import { shown } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from '../config/gpt-config.ts'
import { PretrainedError } from './config/pretrained-error.ts'

/** Growth that makes a block differ from the others in a size. */
const growthOf: Readonly<Partial<Record<keyof BlockConfig, string>>> = {
  mlpHidden: 'widenMlp or pruneUnits',
  heads: 'addHeads or pruneHeads',
  kvHeads: 'addHeads, addKvHeads or pruneHeads',
  headDim: 'widenHeads',
}

/**
 * Throws PretrainedError, naming what stands in the way, for what no file of transformers can say: adapters,
 * experts, a bias of the head, blocks of unequal sizes.
 *
 * @param who What messages begin with.
 */
export function checkSays(who: string, config: GptConfig): void {
  const { blocks, headBias, patches } = config
  if (patches) refuse(who, 'a patch front', 'addSense')
  if (headBias) refuse(who, 'a bias of the head', 'growVocabulary')
  for (const { id, adapter, expertShares } of blocks) {
    if (adapter) refuse(who, `an adapter in block ${id}`, 'addAdapter', 'Merge it first (mergeAdapter).')
    if (expertShares) refuse(who, `${expertShares.length} experts in block ${id}`, 'addExperts')
  }
  const [first] = blocks
  for (const [size, growth] of Object.entries(growthOf) as [keyof BlockConfig, string][]) {
    const other = blocks.find((block) => block[size] !== first[size])
    if (other === undefined) continue
    refuse(
      who,
      `${size} ${shown(first[size])} in block ${first.id} and ${shown(other[size])} in block ${other.id}`,
      growth,
      'Grow the others alike (forAllBlocks).',
    )
  }
}

/** Throws PretrainedError where the configuration that the file says is another than the model's. */
export function checkFits(who: string, config: GptConfig, target: GptConfig): void {
  const sizes = [
    'vocabulary',
    'embed',
    'norm',
    'positions',
    'activation',
    'untiedHead',
    'queryKeyNorm',
  ] as const
  for (const size of sizes) {
    if (config[size] === target[size]) continue
    refuse(who, `${size} ${shown(config[size])} where the class has ${shown(target[size])}`, 'this choice')
  }
  const kinds = ['qkv', 'output', 'mlp'] as const
  const biases = ({ biases: own = kinds }: GptConfig): string =>
    kinds.filter((kind) => own.includes(kind)).join()
  if (biases(config) !== biases(target)) {
    refuse(
      who,
      `biases of ${biases(config) || 'nothing'} where the class has ${biases(target) || 'none'}`,
      'this choice',
    )
  }
  const [{ heads }] = config.blocks
  if (config.embed % heads !== 0) {
    refuse(who, `embed ${config.embed} and ${heads} heads, which do not divide it`, 'addHeads or widenEmbed')
  }
  if (config.context !== target.context) {
    refuse(who, `context ${config.context} where the class has ${target.context}`, 'growContext')
  }
  for (const [i, block] of config.blocks.entries()) {
    const theirs = target.blocks[i]
    if ((block.window ?? config.context) < config.context || theirs.window !== undefined) {
      if (block.window !== theirs.window) {
        refuse(
          who,
          `window ${shown(block.window)} of block ${block.id} where the class has ${shown(theirs.window)}`,
          'this choice',
        )
      }
    }
    const areSizes = (['mlpHidden', 'heads', 'kvHeads', 'headDim'] as const).every(
      (size) => block[size] === theirs[size],
    )
    if (!areSizes)
      refuse(
        who,
        `heads of ${block.headDim} × ${block.heads} in a stream of ${config.embed}`,
        'addHeads, widenHeads or widenEmbed',
      )
    const far = block.frequencies?.findIndex((f, pair) => {
      const other = theirs.frequencies?.[pair] ?? NaN
      return !(Math.abs(f - other) <= 1e-9 * Math.abs(other))
    })
    if (far !== undefined && far >= 0) {
      refuse(
        who,
        `rotary frequency ${shown(block.frequencies?.[far])} of pair ${far} in block ${block.id} where the class has ${shown(theirs.frequencies?.[far])}`,
        'growContext (stretched) or widenHeads',
      )
    }
  }
}

function refuse(
  who: string,
  got: string,
  growth: string,
  advice = 'Take it back (ungrow), or keep a checkpoint of ours.',
): never {
  throw new PretrainedError(
    `${who}: got ${got}; expected what a class of transformers has. In the way: ${growth}. ${advice}`,
  )
}
