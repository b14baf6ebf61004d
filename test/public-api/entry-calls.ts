/** Right calls of entry points that export one or two functions. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sgd } from '@burgeon/autograd/optim'
import * as autogradTesting from '@burgeon/autograd/testing'
import { PretrainedError, type WritePretrainedOptions } from '@burgeon/gpt'
import * as browser from '@burgeon/gpt/browser'
import * as node from '@burgeon/gpt/node'
import { square, sum, type Tensor, tensor, UnsupportedError } from '@burgeon/tensor'
import * as reference from '@burgeon/tensor/reference'
import * as wasm from '@burgeon/tensor/wasm'
import type { CallsOf } from './call.ts'

const device = reference.openReference()
const llama = join(import.meta.dirname, '../gold/pretrained/llama')
const model = await node.fromPretrained(llama, { device })
const written = mkdtempSync(join(tmpdir(), 'burgeon-calls-'))
const peft = join(import.meta.dirname, '../gold/adapters/llama-usual')
const adapter = await node.loadAdapter(model, peft)
/** An empty list of tensors is a right argument, too. */
const loss = (x: Tensor): Tensor => (x === undefined ? tensor([1], { shape: [], device }) : sum(square(x)))

export const referenceCalls: CallsOf<typeof reference> = {
  openReference: [() => ({ args: {}, run: reference.openReference })],
}

export const wasmCalls: CallsOf<typeof wasm> = {
  openWasm: [
    () => ({
      args: { options: { threads: 1, strictMath: true, revectorize: false } },
      run: wasm.openWasm,
    }),
  ],
}

export const browserCalls: CallsOf<typeof browser> = {
  opfsDisk: [
    () => ({
      args: { folder: 'models/first' },
      run: (folder: string) => {
        try {
          return browser.opfsDisk(folder)
        } catch (error) {
          // No right call is ever answered here, for this is no browser.
          if (error instanceof UnsupportedError) return undefined
          throw error
        }
      },
    }),
  ],
}

export const nodeCalls: CallsOf<typeof node> = {
  nodeDisk: [() => ({ args: { place: 'nowhere' }, run: node.nodeDisk })],
  tokenizerFromPretrained: [
    () => ({
      args: { place: 'nowhere', options: { vocabulary: 300 } },
      run: node.tokenizerFromPretrained,
    }),
  ],
  fromPretrained: [
    () => ({
      args: { place: llama, options: { device } },
      run: node.fromPretrained,
      says: ['readPretrained', llama, ''],
    }),
  ],
  downloadPretrained: [
    () => ({
      args: {
        name: 'owner/model',
        options: {
          ...{
            revision: 'main',
            file: 'a.gguf',
            cacheDir: written,
            accessToken: 'hf_a',
            hubUrl: 'http://hub',
          },
          onProgress: () => undefined,
          fetch: () => Promise.resolve(new Response('{}', { status: 404 })),
        },
      },
      run: async (name: string, options: object) => {
        // No right call is ever answered, for there is no hub.
        const path = await node.downloadPretrained(name, options).catch((error: unknown) => {
          if (!(error instanceof PretrainedError)) throw error
        })
        return path
      },
    }),
  ],
  openPretrained: [
    () => ({
      args: { place: llama, options: { device } },
      run: node.openPretrained,
      says: [llama, ''],
    }),
  ],
  loadAdapter: [
    () => ({
      args: { model, place: peft },
      run: node.loadAdapter,
      says: ['readAdapter', peft, ''],
    }),
  ],
  saveAdapter: [
    () => ({
      args: { adapter, model, place: written },
      // Any other path would be written to, where the tests happen to run.
      run: (own: typeof adapter, beside: typeof model, place: unknown) =>
        node.saveAdapter(
          own,
          beside,
          (typeof place === 'string' && place !== '' ? written : place) as string,
        ),
      says: ['writeAdapter'],
    }),
  ],
  saveGguf: [
    () => ({
      args: { model, place: join(written, 'a.gguf'), options: { type: 'F16', name: 'a' } },
      // Any other path would be written to, where the tests happen to run.
      run: (own: typeof model, place: unknown, options: object) =>
        node.saveGguf(
          own,
          (typeof place === 'string' && place !== '' ? join(written, 'b.gguf') : place) as string,
          options,
        ),
      says: ['ggufPieces'],
    }),
  ],
  savePretrained: [
    () => ({
      args: { model, place: written, options: { weights: 'f16' } },
      // Any other path would be written to, where the tests happen to run.
      run: (own: typeof model, place: unknown, options: WritePretrainedOptions) =>
        node.savePretrained(
          own,
          (typeof place === 'string' && place !== '' ? written : place) as string,
          options,
        ),
      says: ['writePretrained'],
    }),
  ],
}

export const autogradTestingCalls: CallsOf<typeof autogradTesting> = {
  checkGradient: [
    () => ({
      args: { f: loss, inputs: [tensor([1, 2], { device })], options: { order: 1, step: 1e-5 } },
      run: autogradTesting.checkGradient,
      says: ['grad'],
    }),
  ],
  checkGradientTransform: [
    () => ({
      args: { make: () => sgd(0.1), options: { shapes: { w: [2, 3] }, isOptimizer: true } },
      run: autogradTesting.checkGradientTransform,
    }),
  ],
}
