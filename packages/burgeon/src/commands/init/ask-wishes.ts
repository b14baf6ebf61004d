/** Asks at a terminal what `burgeon init` is to write. */
import type { Readable, Writable } from 'node:stream'
import type { Wishes } from './config-text.ts'

/** Where the questions stand and the answers come from. */
export interface Dialogue {
  readonly input: Readable
  readonly output: Writable
  /** Raised when the user wants to end it all. */
  readonly signal: AbortSignal
}

/** Asks whether a file may be overwritten; no unless said. Null where the user leaves. */
export async function askToReplace(file: string, dialogue: Dialogue): Promise<boolean | null> {
  const { confirm, isCancel } = await import('@clack/prompts')
  const message = `${file} is there already. Write it anew?`
  const answer = await confirm({ ...dialogue, message, initialValue: false })
  return isCancel(answer) ? null : answer
}

/** Asks for everything, with what is usual as the first suggestion. Null where the user leaves. */
export async function askWishes(usual: Wishes, dialogue: Dialogue): Promise<Wishes | null> {
  const { confirm, isCancel, text } = await import('@clack/prompts')
  const notes = await text({
    ...dialogue,
    message: 'Which folder has the notes to learn?',
    initialValue: usual.notes,
    validate: (value = '') => (value.trim() === '' ? 'A name of a file or folder, please.' : undefined),
  })
  if (isCancel(notes)) return null
  const from = await text({
    ...dialogue,
    message: 'Which model does it begin with? Nothing for a new small one.',
    placeholder: 'models/llama, a GGUF file, hf://owner/model',
    defaultValue: '',
  })
  if (isCancel(from)) return null
  const sleeps = await confirm({
    ...dialogue,
    message: 'Shall it sleep now and then? It rehearses what it knows, and undoes what does harm.',
    initialValue: usual.sleeps,
  })
  if (isCancel(sleeps)) return null
  const port = await text({
    ...dialogue,
    message: 'On which port does it answer?',
    initialValue: String(usual.port),
    validate: (value = '') => (isPort(value) ? undefined : 'A whole number from 0 to 65535, please.'),
  })
  if (isCancel(port)) return null
  const isShared = await confirm({
    ...dialogue,
    message: 'May other machines ask it? Keys are made for them.',
    initialValue: usual.isShared,
  })
  if (isCancel(isShared)) return null
  const model = from.trim()
  return { notes: notes.trim(), from: model === '' ? null : model, sleeps, port: Number(port), isShared }
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text.trim()) && Number(text) <= 65_535
