/** Options of everything that reads pretrained models. */
import type { Device } from '@burgeon/tensor'

/** How a pretrained model is read. */
export interface ReadPretrainedOptions {
  /** Where its weights go; the default device unless given. */
  readonly device?: Device
}
