/** The mean hidden state of a step's new rows, as a signal. */
import { Gpt } from '@burgeon/gpt'
import { holdModel } from '@burgeon/gpt/growth'
import { checkArgument, checks, gather, mean, scope, type Tensor } from '@burgeon/tensor'
import type { StepContext } from '../../journal/step-context.ts'
import { aTokenBatch } from '../../stream/batch.ts'
import { batchTensors } from '../../stream/batch-tensors.ts'

const aContext = checks.role<StepContext>('the context of a step', 'model', 'fresh')
const aGpt = checks.instance('a Gpt', Gpt)

/**
 * Mean over all tokens of the new rows of the residual stream above the last block, `[C]`: a vector for
 * `watching`. It costs a forward pass, of the model without its adapter. When the model becomes wider, the
 * learner has the detectors of its signals begin afresh, for vectors are longer then.
 *
 * @throws OptionError for a model that is no Gpt.
 */
export async function meanHiddenState(context: Pick<StepContext, 'model' | 'fresh'>): Promise<Float32Array> {
  checkArgument('meanHiddenState', 'context', context, aContext)
  const { model, fresh }: { readonly model: unknown; readonly fresh: unknown } = context
  checkArgument('meanHiddenState', 'context.model', model, aGpt)
  checkArgument('meanHiddenState', 'context.fresh', fresh, aTokenBatch)
  using _ = holdModel(model)
  const last = model.config.blocks.at(-1)?.id
  using state = scope((): Tensor => {
    const { inputs, counted } = batchTensors(model.device, fresh)
    const places = model.device.tensor(counted, { shape: [counted.length], dtype: 'i32' }, 'probe')
    const seen: Tensor[] = []
    model.forward(inputs, undefined, {
      observe: (block, what, x) => {
        if (block === last && what === 'output') seen.push(mean(gather(x, places), { axes: [0] }))
      },
    })
    return seen[0]
  })
  return Float32Array.from(await state.read())
}
