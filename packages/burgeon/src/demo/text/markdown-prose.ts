import { isEnglishProse } from './english-prose.ts'

/**
 * Markdown → its paragraphs of English prose, each on one line. Code, tables, headings, badges, links'
 * addresses and HTML are gone.
 */
export function markdownProse(markdown: string): string[] {
  return paragraphs(withoutBlocks(markdown)).map(inlineText).filter(isEnglishProse)
}

/** Drops what spans lines and is not prose: front matter, comments, fenced code, preformatted HTML. */
function withoutBlocks(markdown: string): string {
  return markdown
    .replace(/^---\n[\s\S]*?\n---\n/, '')
    .replace(/<!--[\s\S]*?-->/g, '')
    .replace(/^([ \t>]*)(`{3,}|~{3,})[^\n]*\n[\s\S]*?(?:^[ \t>]*\2[`~]*[ \t]*$|(?![\s\S]))/gm, '\n')
    .replace(/<(pre|table|svg|script|style|summary|picture)\b[\s\S]*?<\/\1>/gi, '\n')
}

const listItem = /^\s*(?:[-*+]|\d+[.)])\s+/
const notProse = [
  /^\s*#{1,6}(\s|$)/, // heading
  /^\s*([-*_=]\s*){3,}$/, // rule, or the underline of a heading
  /^\s*\|/, // table row
  /^\s*\[[^\]]+\]:\s/, // where a link leads to
  /^\s*\[?!\[/, // badge or picture
  /^ {4,}\S|^\t/, // indented code
]

function paragraphs(text: string): string[] {
  const found: string[] = []
  let open: string[] = []
  const close = (): void => {
    if (open.length > 0) found.push(open.join(' '))
    open = []
  }
  for (const raw of text.split('\n')) {
    const line = raw.replace(/^\s*>+ ?/, '')
    if (/^\s*[-=]{3,}\s*$/.test(line)) open = [] // the line above was a heading
    if (
      line.trim() === '' ||
      (notProse.some((form) => form.test(line)) && !(open.length > 0 && /^\s/.test(line)))
    ) {
      close()
      continue
    }
    if (listItem.test(line)) close()
    open.push(line.replace(listItem, '').trim())
  }
  close()
  return found
}

/** Tags that dress text. Others, as in "the `<ins>` element", are what a sentence is about. */
const htmlTag =
  /<\/?(a|b|big|br|center|code|details|div|em|font|h[1-6]|hr|i|img|kbd|li|ol|p|samp|small|span|strong|sub|sup|ul|var)\b[^<>]*>/gi

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  nbsp: ' ',
  '#39': "'",
}

function inlineText(paragraph: string): string {
  return paragraph
    .replace(/!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])/g, '')
    .replace(/\[(\^|!)[^\]]*\]/g, '')
    .replace(/\[([^\]]+)\](\([^)\s]*(\s+"[^"]*")?\)|\[[^\]]*\])/g, '$1')
    .replace(/\[([^\]]+)\]/g, '$1')
    .replace(
      /\{@link(?:code|plain)?\s+([^}|\s]+)(?:[|\s]+([^}]*))?\}/g,
      (_, name, text) => text?.trim() || name,
    )
    .replace(htmlTag, '')
    .replace(/&(lt|gt|amp|quot|nbsp|#39);/g, (_, name: string) => entities[name])
    .replace(/(\*\*\*|\*\*|__)(?=\S)(.+?)(?<=\S)\1/g, '$2')
    .replace(/(^|[\s("'])[*_](?=\S)([^*_]+?)(?<=\S)[*_](?=$|[\s)"'.,;:!?])/g, '$1$2')
    .replace(/\\([*_`#[\]<>|~])/g, '$1')
    .replace(/\p{Extended_Pictographic}|:[a-z_]+:/gu, '')
    .replace(/\s+/g, ' ')
    .replace(/ ([.,;:!?])(?=\s|$)/g, '$1')
    .trim()
}
