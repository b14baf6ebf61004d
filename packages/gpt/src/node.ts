/** `@burgeon/gpt/node`: what needs Node. */
export { nodeDisk } from './checkpoint/node/node-disk.ts'
export { loadAdapter, saveAdapter } from './adapters/peft/node-adapters.ts'
export { tokenizerFromPretrained } from './pretrained/tokenizer-from-pretrained.ts'
export { fromPretrained, savePretrained } from './pretrained/node-pretrained.ts'
export { openPretrained, type Pretrained } from './pretrained/open-pretrained.ts'
export { saveGguf } from './pretrained/node-gguf.ts'
export {
  downloadPretrained,
  type DownloadOptions,
  type DownloadProgress,
} from './pretrained/hub/download-pretrained.ts'
