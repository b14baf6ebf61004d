/** Every parameter of a GPT: its path, what its dimensions mean, and what it starts as. */
import type { Axis, Initial } from '@burgeon/tensor'
import type { BlockConfig, GptConfig } from './gpt-config.ts'

/** What a parameter is before it has numbers. */
export interface ParameterSpec {
  readonly path: string
  readonly axes: readonly Axis[]
  readonly shape: readonly number[]
  readonly initial: Initial
}

const zero: Initial = { kind: 'zero' }
const one: Initial = { kind: 'one' }
const normal = (standardDeviation: number): Initial => ({ kind: 'normal', standardDeviation })

/**
 * All parameters in order. Weights start Gaussian with deviation 0.02, and those that write into the residual stream
 * with 0.02/√(2·layers), so that its variance does not depend on the depth (Radford et al. 2019, section 2.3).
 */
export function parameterSpecs(config: GptConfig): ParameterSpec[] {
  const { vocabulary, context, embed } = config
  const positions: ParameterSpec = {
    path: 'embed.position.weight',
    axes: ['context', 'embed'],
    shape: [context, embed],
    initial: normal(0.02),
  }
  return [
    {
      path: 'embed.token.weight',
      axes: ['vocabulary', 'embed'],
      shape: [vocabulary, embed],
      initial: normal(0.02),
    },
    ...(config.positions === 'learned' ? [positions] : []),
    ...config.blocks.flatMap((block) =>
      blockSpecs(config, block, normal(0.02 / Math.sqrt(2 * config.blocks.length))),
    ),
    ...normSpecs(config, 'head.norm'),
    ...(config.headBias
      ? [{ path: 'head.bias', axes: ['vocabulary'], shape: [vocabulary], initial: zero } as const]
      : []),
  ]
}

/**
 * The parameters of one block.
 *
 * @param writers What the two projections into the residual stream start as; with `zero` the block is an identity.
 */
export function blockSpecs(config: GptConfig, block: BlockConfig, writers: Initial): ParameterSpec[] {
  const { embed } = config
  const { mlpHidden, heads, kvHeads, headDim } = block
  const at = `blocks.${block.id}`
  const projection = (name: string, axis: 'head' | 'kvHead', count: number): ParameterSpec[] => [
    {
      path: `${at}.attention.${name}.weight`,
      axes: ['embed', axis, 'headDim'],
      shape: [embed, count, headDim],
      initial: normal(0.02),
    },
    { path: `${at}.attention.${name}.bias`, axes: [axis, 'headDim'], shape: [count, headDim], initial: zero },
  ]
  const hidden = (name: string): ParameterSpec[] => [
    {
      path: `${at}.mlp.${name}.weight`,
      axes: ['embed', 'mlpHidden'],
      shape: [embed, mlpHidden],
      initial: normal(0.02),
    },
    { path: `${at}.mlp.${name}.bias`, axes: ['mlpHidden'], shape: [mlpHidden], initial: zero },
  ]
  return [
    ...normSpecs(config, `${at}.attention.norm`),
    ...projection('query', 'head', heads),
    ...projection('key', 'kvHead', kvHeads),
    ...projection('value', 'kvHead', kvHeads),
    {
      path: `${at}.attention.output.weight`,
      axes: ['head', 'headDim', 'embed'],
      shape: [heads, headDim, embed],
      initial: writers,
    },
    { path: `${at}.attention.output.bias`, axes: ['embed'], shape: [embed], initial: zero },
    ...normSpecs(config, `${at}.mlp.norm`),
    ...(config.activation === 'swiglu' ? hidden('gate') : []),
    ...hidden('up'),
    {
      path: `${at}.mlp.down.weight`,
      axes: ['mlpHidden', 'embed'],
      shape: [mlpHidden, embed],
      initial: writers,
    },
    { path: `${at}.mlp.down.bias`, axes: ['embed'], shape: [embed], initial: zero },
  ]
}

function normSpecs({ norm, embed }: GptConfig, path: string): ParameterSpec[] {
  const gain: ParameterSpec = { path: `${path}.gain`, axes: ['embed'], shape: [embed], initial: one }
  const bias: ParameterSpec = { path: `${path}.bias`, axes: ['embed'], shape: [embed], initial: zero }
  return norm === 'layer' ? [gain, bias] : [gain]
}

/** Weight decay is for matrices: biases and gains have no business near 0 (as in GPT-2's training). */
export function isDecayed(path: string): boolean {
  return path.endsWith('.weight')
}
