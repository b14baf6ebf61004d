import { markdownProse } from './markdown-prose.ts'

/** A TypeScript declaration file taken apart. */
export interface DeclarationSource {
  /** The declarations without comments and blank lines. */
  readonly code: string
  /** The paragraphs of English prose in its doc comments, in order. */
  readonly prose: string[]
}

/**
 * A comment, or a string that may look as if it held one. Declaration files have no regular expressions to
 * confuse with either.
 */
const commentOrString =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/g

/**
 * Parts a `.d.ts` text into declarations and the prose that documents them, so that no byte of it lands in
 * two domains.
 */
export function declarationSource(text: string): DeclarationSource {
  const prose: string[] = []
  const uncommented = text.replace(commentOrString, (match) => {
    if (!match.startsWith('/*') && !match.startsWith('//')) return match
    if (match.startsWith('/**')) for (const part of docCommentProse(match)) prose.push(part)
    return ''
  })
  const code = uncommented
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !line.startsWith('#!'))
    .join('\n')
  return { code, prose }
}

/** The text of a doc comment before its first tag; parameter lists and examples are not prose. */
function docCommentProse(comment: string): string[] {
  const body = comment
    .slice(3, -2)
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, ''))
    .join('\n')
  return markdownProse(body.replace(/(^|\n)\s*@[\s\S]*$/, ''))
}
