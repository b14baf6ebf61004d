/**
 * Which cases the properties draw: the same in every run, so that a run says something about the code and not about its luck.
 * `BURGEON_SEED=fresh` draws new ones; a number draws those of that seed.
 */
import fc from 'fast-check'

const given = process.env.BURGEON_SEED ?? '1'
if (given !== 'fresh') {
  if (!/^-?\d+$/.test(given)) throw new Error(`BURGEON_SEED: got ${given}; expected an integer, or fresh.`)
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(given) })
}
