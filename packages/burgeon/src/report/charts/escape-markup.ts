const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/**
 * Any string → text that is safe between tags and in quoted attributes of HTML and SVG. What a model writes
 * is data: markup is escaped, control characters are shown as pictures (␀), and what may reorder or hide text
 * becomes U+FFFD. Line ends and tabs stay.
 */
export function escapeMarkup(text: string): string {
  return text
    .replace(/\p{Cs}/gu, '\ufffd') // half a surrogate pair
    .replace(/\r\n?/g, '\n')
    .replace(/[&<>"']/g, (character) => entities[character])
    .replace(/[^\P{Cc}\n\t]/gu, controlPicture)
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/g, '\ufffd')
}

function controlPicture(character: string): string {
  const code = character.charCodeAt(0)
  return code < 32 ? String.fromCharCode(0x2400 + code) : code === 127 ? '\u2421' : '\ufffd'
}
