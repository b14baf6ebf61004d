/** In what way a file is read. */
import type { SourceFile } from '../files/source-files.ts'
import { mediaForm } from './media-pieces.ts'

/** The id of the way in which a file is read; undefined for text as it lies. */
export const formIdOf = ({ form, isMedia = false }: SourceFile): string | undefined =>
  isMedia ? mediaForm : form?.id
