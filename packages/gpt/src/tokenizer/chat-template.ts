/**
 * Chat templates: a conversation as the text that a model was trained on, by the Jinja template that came
 * with it.
 */
import { UnsupportedError } from '@burgeon/tensor'
import { type JsonPart, TokenizerError } from './json/json-part.ts'

/** One turn of a conversation; templates may read more than these. */
export interface ChatMessage {
  /** `system`, `user`, `assistant`, `tool`, … */
  readonly role: string
  readonly content: string
  readonly [key: string]: unknown
}

/** What a template is rendered with. */
export interface ChatTemplateOptions {
  /** Whether the text ends where the assistant's turn begins; false unless given. */
  readonly addGenerationPrompt?: boolean
  /** Functions that the model may call, as JSON schemas. */
  readonly tools?: readonly object[]
  /** Texts that the model may look things up in. */
  readonly documents?: readonly object[]
  /** A template, or the name of one of several; the tokenizer's default unless given. */
  readonly chatTemplate?: string
}

interface Jinja {
  readonly Template: new (source: string) => { render(variables: Readonly<Record<string, unknown>>): string }
}

/** The version that was tried. */
const jinja = { name: '@huggingface/jinja', version: '0.5.11' }

/** Templates of a tokenizer_config.json by name: one is called `default`, of several each says its name. */
export function chatTemplatesIn(part: JsonPart): ReadonlyMap<string, string> {
  if (part.isMissing) return new Map()
  if (!Array.isArray(part.value)) return new Map([['default', part.text()]])
  return new Map(part.items().map((item) => [item.get('name').text(), item.get('template').text()]))
}

/**
 * Renders a template with the optional package `@huggingface/jinja`.
 *
 * @param variables What the template sees: messages, tools, bos_token and so on.
 * @throws UnsupportedError if the package is not installed; TokenizerError if the template is damaged, or
 *   refuses the conversation.
 */
export async function renderChat(
  template: string,
  variables: Readonly<Record<string, unknown>>,
): Promise<string> {
  const { Template } = await findJinja()
  try {
    return new Template(template).render(variables)
  } catch (error) {
    throw new TokenizerError(
      `applyChatTemplate: the template ended in an error: ${(error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}

async function findJinja(): Promise<Jinja> {
  // The name is no literal, so that no bundler looks for it.
  const { name, version } = jinja
  try {
    return (await import(/* @vite-ignore */ name)) as Jinja
  } catch (error) {
    throw new UnsupportedError(
      `applyChatTemplate: the package ${name} cannot be loaded, and templates need it. Install it: npm i ${name}@${version}`,
      { cause: error },
    )
  }
}
