/** Adapters on disk, with Node. */
import { checkArgument } from '@burgeon/tensor'
import { nodeDisk } from '../../checkpoint/node/node-disk.ts'
import { aPlace, folderAt } from '../../pretrained/node-files.ts'
import { replaceFiles } from '../../pretrained/files/replace-files.ts'
import type { AdaptableModel, LoraAdapter } from '../lora-adapter.ts'
import { readAdapter } from './read-adapter.ts'
import { writeAdapter } from './write-adapter.ts'

/**
 * An adapter from a folder in the form of peft; see `readAdapter`.
 *
 * @param place Path of the folder.
 * @throws PretrainedError for a folder that is broken or says what this adapter cannot do.
 */
export async function loadAdapter(model: AdaptableModel, place: string): Promise<LoraAdapter> {
  checkArgument('loadAdapter', 'place', place, aPlace)
  return readAdapter(folderAt(place), model)
}

/**
 * Writes an adapter as a folder that peft reads; see `writeAdapter`. Files replace those of before only when
 * all of them are whole.
 *
 * @param place Path of the folder, which is made if it is not there.
 * @throws AdapterError, before anything is written, for what peft has no names for; PretrainedError where the
 *   disk fails, with all files as they were.
 */
export async function saveAdapter(adapter: LoraAdapter, model: AdaptableModel, place: string): Promise<void> {
  checkArgument('saveAdapter', 'place', place, aPlace)
  await replaceFiles('saveAdapter', nodeDisk(place), await writeAdapter(adapter, model))
}
