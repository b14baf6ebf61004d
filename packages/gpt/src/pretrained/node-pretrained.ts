/** Pretrained models on disk, with Node. */
import { checkArgument } from '@burgeon/tensor'
import { nodeDisk } from '../checkpoint/node/node-disk.ts'
import type { Gpt } from '../gpt.ts'
import { ggufAt } from './node-gguf.ts'
import { aPlace, folderAt } from './node-files.ts'
import type { ReadPretrainedOptions } from './config/pretrained-options.ts'
import { readPretrained } from './read-pretrained.ts'
import { replaceFiles } from './files/replace-files.ts'
import { writePretrained, type WritePretrainedOptions } from './write-pretrained.ts'

/**
 * A model from a folder in the form of Hugging Face, or from a GGUF file; see `readPretrained` and
 * `openGguf`.
 *
 * @param place Path of the folder or of the file.
 * @throws PretrainedError for what is broken or says what this model cannot do.
 */
export async function fromPretrained(place: string, options: ReadPretrainedOptions = {}): Promise<Gpt> {
  checkArgument('fromPretrained', 'place', place, aPlace)
  const file = await ggufAt(place)
  return file === null ? readPretrained(folderAt(place), options) : file.model(options)
}

/**
 * Writes a model as a folder that Python's transformers reads; see `writePretrained`. Files replace those
 * of before only when all of them are whole: on a full disk the folder stays as it was. Its other files stay.
 *
 * @param place Path of the folder, which is made if it is not there.
 * @throws PretrainedError, before anything is written, naming the growth that no class of transformers has;
 *   and where the disk fails, with all files as they were.
 */
export async function savePretrained(
  model: Gpt,
  place: string,
  options: WritePretrainedOptions = {},
): Promise<void> {
  checkArgument('savePretrained', 'place', place, aPlace)
  await replaceFiles('savePretrained', nodeDisk(place), await writePretrained(model, options))
}
