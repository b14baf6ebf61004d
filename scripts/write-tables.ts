/** `node scripts/write-tables.ts`: writes the tables of all documents from the results in `bench/results`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { docTables } from './doc-tables.ts'
import { withMarked } from './marked-text.ts'
import { root } from './pack-packages.ts'

for (const [name, { document, write }] of Object.entries(docTables)) {
  const path = join(root, document)
  const before = readFileSync(path, 'utf8')
  const after = withMarked(before, name, write())
  writeFileSync(path, after)
  console.log(`${document}, ${name}: ${after === before ? 'as it was' : 'written'}`)
}
