/**
 * Checkpoints of a model in stages. Each stage writes its part, a checkpoint of its own under names that no other
 * save uses; then a manifest that names the parts and the digest of each takes the place of the one before in one
 * indivisible step. So the folder holds one whole model at one step, whatever happens in between.
 */
import {
  CheckpointError,
  configFromState,
  type Disk,
  type GptConfig,
  type ParameterSpec,
  readCheckpoint,
  writeCheckpoint,
} from '@burgeon/gpt'
import {
  type Check,
  checkArgument,
  checks,
  type Device,
  type ParameterStore,
  type PlainTensor,
  plainTensors,
} from '@burgeon/tensor'
import { digestOf } from '../../seams/digest.ts'
import { joinStates, stateWithin } from './join-states.ts'
import { ModelStage } from '../model-stage.ts'
import { partOfDisk } from './part-of-disk.ts'
import { aShare, splitStages, type SplitOptions, type StageShare, stageSpecs } from '../stage-split.ts'

/** Check of a disk. */
export const aDisk: Check<Disk> = checks.role<Disk>(
  'a disk, such as nodeDisk(folder)',
  ...(['read', 'write', 'rename', 'remove', 'list', 'sync', 'lock'] as const),
)

/** Name of the manifest. */
const stagesManifest = 'stages.json'
const format = 'burgeon stages'
const version = 1
const ownFile = /^stages-(\d{6,})-\d+-of-\d+\./

/** A part that a stage has written. */
export interface SavedPart {
  /** What the names of its files begin with. */
  readonly name: string
  /** SHA-256 of its manifest, which has those of its files. */
  readonly sha256: string
  readonly share: StageShare
}

/** What a checkpoint of a model in stages holds. */
export interface StagesManifest {
  readonly format: string
  readonly version: number
  /** Counts saves. */
  readonly sequence: number
  readonly config: GptConfig
  readonly step: number
  readonly parts: readonly SavedPart[]
}

/** The state of a stage besides its weights. */
export interface LearningState {
  readonly step: number
  readonly optimizer: unknown
}

/** Writes the part of one stage. */
export async function writePart(
  disk: Disk,
  name: string,
  share: StageShare,
  parameters: ParameterStore,
  learning: LearningState,
): Promise<SavedPart> {
  const own = partOfDisk(disk, name)
  await writeCheckpoint(own, { model: { weights: await plainTensors(parameters.tensors()) }, learning })
  return { name, sha256: await digestOf(await own.read('checkpoint.json')), share }
}

/** The sequence number of a save that begins now: above that of anything that is there. */
export async function nextSequence(disk: Disk): Promise<number> {
  const numbers = (await disk.list()).flatMap((name) => ownFile.exec(name)?.[1] ?? []).map(Number)
  const before = (await manifestIn(disk).catch(() => undefined))?.sequence ?? 0
  return Math.max(before, ...numbers) + 1
}

/** Puts a manifest in its place. What earlier saves have written is removed then. */
export async function writeStagesManifest(
  disk: Disk,
  content: Omit<StagesManifest, 'format' | 'version'>,
): Promise<void> {
  const manifest = { format, version, ...content }
  const sha256 = await digestOf(new TextEncoder().encode(JSON.stringify(manifest)))
  const waiting = `${stagesManifest}.new`
  await disk.write(waiting, new TextEncoder().encode(JSON.stringify({ sha256, ...manifest })))
  await disk.sync()
  await disk.rename(waiting, stagesManifest)
  await disk.sync()
  await removeParts(disk, (sequence) => sequence !== content.sequence)
}

/** Removes the parts of the saves whose sequence numbers are to go. */
export async function removeParts(disk: Disk, isGone: (sequence: number) => boolean): Promise<void> {
  for (const name of await disk.list()) {
    const found = ownFile.exec(name)
    if (found !== null && isGone(Number(found[1]))) await disk.remove(name)
  }
}

function manifestError(disk: Disk, why: string): CheckpointError {
  return new CheckpointError(`${disk.place}: ${stagesManifest} ${why}`)
}

/** The manifest of a folder. Throws CheckpointError if there is none or it is damaged. */
async function manifestIn(disk: Disk): Promise<StagesManifest> {
  const bytes = await disk.read(stagesManifest).catch((error: unknown) => {
    throw manifestError(disk, `cannot be read: is there a checkpoint of stages? ${String(error)}`)
  })
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw manifestError(disk, 'is damaged: it is no JSON.')
  }
  const { sha256, ...manifest } = (parsed ?? {}) as StagesManifest & { readonly sha256?: string }
  if (sha256 !== (await digestOf(new TextEncoder().encode(JSON.stringify(manifest))))) {
    throw manifestError(disk, 'is damaged: its digest is another.')
  }
  if (manifest.format !== format || manifest.version !== version) {
    throw manifestError(
      disk,
      `has format ${manifest.format} ${manifest.version}; expected ${format} ${version}.`,
    )
  }
  return manifest
}

/** A checkpoint of a model in stages, of which any other number of stages can be made. */
export class SavedStages {
  readonly config: GptConfig
  /** Updates that it had made. */
  readonly step: number
  /** How it lay when it was saved. */
  readonly shares: readonly StageShare[]
  readonly #disk: Disk
  readonly #parts: readonly SavedPart[]

  private constructor(disk: Disk, { config, step, parts }: StagesManifest) {
    this.#disk = disk
    this.config = configFromState(config)
    this.step = step
    this.#parts = parts
    this.shares = parts.map(({ share }) => share)
  }

  /**
   * Opens the checkpoint of a folder; weights are read where they are asked for.
   *
   * @throws CheckpointError if there is none or its manifest is damaged.
   */
  static async open(disk: Disk): Promise<SavedStages> {
    checkArgument('SavedStages.open', 'disk', disk, aDisk)
    const manifest = await manifestIn(disk)
    if (manifest.parts.every(({ share }) => aShare.accepts(share))) return new SavedStages(disk, manifest)
    throw new CheckpointError(`${disk.place}: ${stagesManifest} has a part that is no stage.`)
  }

  /** Shares of this model for another number of stages. Throws as `splitStages`. */
  split(options: SplitOptions): StageShare[] {
    return splitStages(this.config, options)
  }

  /**
   * A stage, with what its worker is to restore: of as many stages as there were, or of more, or fewer. Only the
   * parts that hold something of it are read, one after the other.
   *
   * @param share One of `shares` or `split`.
   * @throws CheckpointError for a part that is missing or damaged, OptionError for a share of another model.
   */
  async stage(
    share: StageShare,
    device?: Device,
  ): Promise<{ readonly stage: ModelStage; readonly learning: LearningState }> {
    const held = new Map<string, PlainTensor>()
    const states: unknown[] = []
    const wanted = new Set(stageSpecs(this.config, share).map(({ path }) => path))
    for (const part of this.#parts) {
      const paths = new Set(stageSpecs(this.config, part.share).map(({ path }) => path))
      if (![...wanted].some((path) => paths.has(path))) continue
      const { weights, learning } = await this.#read(part)
      for (const [path, tensor] of Object.entries(weights)) if (wanted.has(path)) held.set(path, tensor)
      states.push(stateWithin(learning.optimizer, (path) => !paths.has(path) || wanted.has(path)))
    }
    const numbersOf = ({ path }: ParameterSpec): Promise<ArrayLike<number>> => {
      const found = held.get(path)
      if (found !== undefined) return Promise.resolve(found.data)
      throw new CheckpointError(`${this.#disk.place}: no part holds ${path}.`)
    }
    const stage = await ModelStage.fromReader(this.config, share, numbersOf, device)
    return { stage, learning: { step: this.step, optimizer: joinStates(states) } }
  }

  async #read({ name, sha256 }: SavedPart): Promise<{
    readonly weights: Readonly<Record<string, PlainTensor>>
    readonly learning: LearningState
  }> {
    const own = partOfDisk(this.#disk, name)
    const bytes = await own.read('checkpoint.json').catch((error: unknown) => {
      throw new CheckpointError(
        `${own.place}: cannot read the part that the checkpoint needs. ${String(error)}`,
      )
    })
    if ((await digestOf(bytes)) !== sha256) {
      throw new CheckpointError(`${own.place}: the part is not the one that was saved with the others.`)
    }
    const { model, learning } = await readCheckpoint(own)
    return {
      weights: (model as { weights: Record<string, PlainTensor> }).weights,
      learning: learning as LearningState,
    }
  }
}
