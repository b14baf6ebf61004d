/** A release is refused for every reason that there is, and for no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { changesIn, type ReleaseFacts, releaseProblems } from '../../scripts/release-problems.ts'

const changelog = '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n### Fixed\n\n- A fault.\n'
const ready: ReleaseFacts = {
  ...{ version: '0.2.0', changelog, unlike: [], isMeant: true, changedFiles: '', tags: ['v0.1.0'] },
}

describe('a release', () => {
  it('goes on when everything is in step', () => {
    expect(releaseProblems(ready)).toEqual([])
    expect(changesIn(changelog, '0.2.0')).toBe('### Fixed\n\n- A fault.')
  })

  it.for<[string, Partial<ReleaseFacts>, string]>([
    ['a version that is none', { version: '0.2' }, 'expected three numbers'],
    ['a package out of step', { unlike: ['gpt'] }, 'packages/gpt/package.json is out of step'],
    ['a changed file', { changedFiles: ' M README.md' }, 'the tree is not clean'],
    ['a version that was published', { tags: ['v0.2.0'] }, 'the tag v0.2.0 exists'],
    ['a version without changes', { version: '0.3.0' }, 'CHANGELOG.md says nothing of 0.3.0'],
    ['no place for what comes next', { changelog: changelog.replace('Unreleased', 'Soon') }, 'no section'],
    ['a version without its date', { changelog: changelog.replace(' - 2026-02-03', '') }, 'needs its date'],
  ])('is refused for %s', ([, facts, sentence]) => {
    expect(releaseProblems({ ...ready, ...facts }).join('\n')).toContain(sentence)
  })

  it('can be tried from a tree with changes, before the changelog is written', () => {
    expect(
      releaseProblems({ ...ready, isMeant: false, changedFiles: ' M README.md', version: '0.3.0' }),
    ).toEqual([])
  })
})

it('the changelog of this repository can be released from', () => {
  const text = readFileSync(join(import.meta.dirname, '../../CHANGELOG.md'), 'utf8')
  expect(releaseProblems({ ...ready, changelog: text, isMeant: false })).toEqual([])
})
