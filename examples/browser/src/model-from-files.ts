import type { Gpt } from 'burgeon'
import { openGguf, PretrainedTokenizer, readPretrained } from 'burgeon/gpt'
import type { ByteSource, Device } from 'burgeon/tensor'

/** A model and what makes tokens of text for it. */
export interface Opened {
  readonly model: Gpt
  readonly tokenizer: PretrainedTokenizer
}

/**
 * A model from files that somebody chose: one GGUF file, or `config.json`, `model.safetensors` and
 * `tokenizer.json` as Hugging Face has them.
 */
export async function modelFromFiles(files: readonly File[], device: Device): Promise<Opened> {
  const gguf = files.find(({ name }) => name.endsWith('.gguf'))
  if (gguf !== undefined) {
    const opened = await openGguf(sourceOf(gguf), { place: gguf.name })
    const tokenizer = opened.tokenizer()
    if (tokenizer === null) throw new Error(`${gguf.name} holds no tokenizer.`)
    return { model: await opened.model({ device }), tokenizer }
  }
  const named = (name: string): File | undefined => files.find((file) => file.name === name)
  const json = named('tokenizer.json')
  if (json === undefined) throw new Error('There is no tokenizer.json among the files.')
  const folder = {
    place: 'the chosen files',
    open: (name: string) => Promise.resolve(sourceIf(named(name))),
  }
  const model = await readPretrained(folder, { device })
  const config = (await named('tokenizer_config.json')?.text()) ?? {}
  const { vocabulary } = model.config
  return { model, tokenizer: new PretrainedTokenizer(await json.text(), config, { vocabulary }) }
}

const sourceIf = (file: File | undefined): ByteSource | undefined =>
  file === undefined ? undefined : sourceOf(file)

function sourceOf(file: File): ByteSource {
  return {
    size: file.size,
    read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
  }
}
