/** Texts that tokenizers get wrong. */

/** By what is nasty about them. */
export const tortureTexts: Readonly<Record<string, string>> = {
  nothing: '',
  'one space': ' ',
  spaces: '   a  b   ',
  'every byte as a character': Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(byte)).join(''),
  'every byte between letters': Array.from(
    { length: 256 },
    (_, byte) => `a${String.fromCodePoint(byte)}b`,
  ).join(' '),
  emoji: '👩‍👩‍👧‍👦 😀😀 🏳️‍🌈 👍🏽 🇩🇪🇫🇷',
  'combining marks': 'e\u0301 é Å A\u030a n\u0303 \u0301 Z\u0361\u034f\u0300\u0301\u0302a',
  'line ends': 'a\r\nb\r\n\r\nc\n\n\nd\re\n \n\t\n  f\u0085g\u2028h\u2029i',
  code: "def f(x):\n    return x**2  # it's\n\n\tif (a && b) { c[0] += '\\n'; }\n// don't, WE'LL, I'Ve, 'S\n",
  'mixed scripts': 'Größe Москва 日本語のテキスト 한국어 العربية हिन्दी ไทย Ελλάδα ǅungla ﬁ ½ Ⅷ ²³ 𝔘𝔫𝔦 𐍈',
  'white space of all kinds':
    'a\u00a0b\u1680c\u2000d\u2009e\u202ff\u205fg\u3000h\ufeffi\u200bj\u0085k \u0085l\ufeff m',
  'a byte order mark first': '\ufeffHello',
  numbers: '1 12 123 1234 12345 3.14159 ١٢٣ 1,000,000 0x1F',
  contractions: "I'm you're he's we've they'll I'd don't I'M YOU'RE can’t 'twas ''s 'ſ 'K",
  'special tokens inside':
    '<s>Hello</s> <|endoftext|>x<|endoftext|> <|im_start|>user\nhi<|im_end|> <tool_call>[INST] a [INST]',
  'special tokens, nearly':
    '<s <|endoftext| ><s> < s> <<s>> <|<|endoftext|> <unk><|eot_id|><|begin_of_text|>',
  'the mark of spaces': '▁a ▁ b▁▁c ▁',
  'names of bytes': '<0x41><0x0A> <0xZZ>',
  punctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~ … — “x” «y» ¿?',
  'a word without end': 'ab'.repeat(2000),
  'one letter without end': 'a'.repeat(4000),
  'white space without end': `${' '.repeat(3000)}x${'\n'.repeat(300)} `,
  'no letters': '\u0000\u0001\u007f\u0080\u009f\u00ad',
  'words of the documents':
    'The model grows: wider, deeper, and longer, while it learns. growth-log, tokens and gradients.',
}
