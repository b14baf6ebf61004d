/**
 * A child process that appends the numbers FROM, FROM + 1, … to the journal in a folder, as fast as it can and some at a time, and writes
 * each once it is acknowledged. `node appender.ts FOLDER`; it goes on from what is there.
 */
import { openExperience } from '@burgeon/continual'
import { nodeDisk } from '@burgeon/gpt/node'

const [folder] = process.argv.slice(2)
const journal = await openExperience(nodeDisk(folder), { segmentBytes: 20_000 })
process.stdout.write(`from ${journal.next}\n`)
for (let next = journal.next; ; ) {
  const groups = [1, 3, 2].map((count) =>
    journal.append(
      Array.from({ length: count }, () => ({ source: 'numbers', domain: 'd', text: `${next++}`.padEnd(50) })),
    ),
  )
  const admitted = await Promise.all(groups)
  process.stdout.write(
    admitted
      .flat()
      .map(({ text }) => `${text.trim()}\n`)
      .join(''),
  )
}
