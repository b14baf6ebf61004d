/** The requests that a growth policy can make. */

/** More hidden units in the MLP of one block. */
export interface WidenMlp {
  readonly kind: 'widenMlp'
  /** Block id, for example `b2`. */
  readonly block: string
  /** Units afterwards; more than now. */
  readonly to: number
  /**
   * Where new units come from. `fresh` unless given.
   *
   * - `fresh`: random inside, they write nothing yet.
   * - `split`: copies that share the work of existing ones, a quarter and three quarters of it. Growing so
   *   and then learning is learning and then growing.
   * - `splitAtRandom`: the same, with a quarter of each outgoing weight here or there, as drawn. The two part
   *   at once, also where the size of gradients does not count, as under `adamw`.
   * - `gradMax`: incoming weights are 0 (with `swiglu` those of `up` alone), so they write nothing yet, and
   *   outgoing ones are such that the incoming ones learn at once: see `outgoing`.
   */
  readonly how?: 'fresh' | 'split' | 'splitAtRandom' | 'gradMax'
  /**
   * For `gradMax`: outgoing weights of each new unit, `embed` numbers a unit, unit after unit, as
   * `gradMaxRequest` of `@burgeon/continual` measures them. A learner measures them where they are missing;
   * elsewhere they are random then.
   */
  readonly outgoing?: readonly number[]
  /**
   * For `gradMax` with `swiglu`: weights of the gates that `outgoing` was measured for, `[embed, units]` row
   * after row. Random unless given.
   */
  readonly gate?: readonly number[]
}

/** More query heads in one block; where they do not share keys and values, more of those, too. */
export interface AddHeads {
  readonly kind: 'addHeads'
  readonly block: string
  /** Heads afterwards; more than now, and a multiple of `kvHeads` where these are shared. */
  readonly to: number
}

/** Keys and values of one block that fewer query heads share. */
export interface AddKvHeads {
  readonly kind: 'addKvHeads'
  readonly block: string
  /** Afterwards; a multiple of the present number, and a divisor of `heads`. */
  readonly to: number
}

/** Wider heads in one block. */
export interface WidenHeads {
  readonly kind: 'widenHeads'
  readonly block: string
  /** Channels of a head afterwards; more than now, and even with rotary positions. */
  readonly to: number
}

/** One more block, an identity at first. */
export interface AddLayer {
  readonly kind: 'addLayer'
  /** The new block's place, from 0 (first) to the present number of blocks (last). */
  readonly at: number
  /** Units of its MLP; as many as its neighbor below unless given. */
  readonly mlpHidden?: number
  /** `fresh` is random inside, `copy` has what its neighbor below has. `fresh` unless given. */
  readonly how?: 'fresh' | 'copy'
}

/**
 * Copies of trained blocks. Predictions change, but the model learns faster than one that began
 * with so many layers (Gong et al. 2019; Du et al. 2024): a warm start, not an exact growth.
 */
export interface CopyLayers {
  readonly kind: 'copyLayers'
  /** The blocks to copy, by id; all of them unless given. */
  readonly of?: readonly string[]
  /** Copies of each, 1 unless given: 3 makes a model four times as deep. */
  readonly copies?: number
  /**
   * `top` puts whole copies on top of the highest copied block, in order (stacking; with a few `of` the
   * uppermost blocks: gradual stacking); `beside` puts each copy next to its original (interpolation). `top`
   * unless given.
   */
  readonly order?: 'top' | 'beside'
  /**
   * Share of their originals' output that copies write into the residual stream. `whole` unless given.
   *
   * - `whole`: what their originals do. Not exact.
   * - `shared`: a part of it; originals write less, and together they write what it was. Beside their
   *   originals such copies move the function by a second-order term: a finer step along the same way (Chang
   *   et al. 2018). Not exact.
   * - `nothing`, until they learn to: the function is kept (block expansion, Wu et al. 2024).
   */
  readonly writes?: 'whole' | 'shared' | 'nothing'
}

/** A wider residual stream: new channels that nothing has written to yet. */
export interface WidenEmbed {
  readonly kind: 'widenEmbed'
  /** Channels afterwards; more than now. */
  readonly to: number
}

/** A token that stands for a row of others. */
export interface NewToken {
  /** The tokens it is made of, in order: old ones, or ones that come before it in the same request. */
  readonly parts: readonly number[]
  /**
   * How probable it is at first, relative to its first part as that is by then, in [0, 1]; 0.01 unless given.
   * A token of share 0 is only ever read, such as a label before a text: it is never predicted, whatever is
   * learnt.
   */
  readonly share?: number
  /**
   * Share of the occurrences of each of its parts that it takes over, in [0, 1): so much less probable they
   * are afterwards. Text that is encoded with the new token has that many fewer of them. Nothing unless
   * given.
   */
  readonly takes?: readonly number[]
}

/** New tokens, numbered from the present vocabulary on. */
export interface GrowVocabulary {
  readonly kind: 'growVocabulary'
  readonly tokens: readonly NewToken[]
}

/**
 * A sense that is not text, for a model whose first tokens are the bytes. With it comes a token, which stands
 * before its pieces and is only read; with the first one a patch front, whose sizes later ones leave as they
 * are, but for its room. No logit of rows without that token changes.
 */
export interface AddSense {
  readonly kind: 'addSense'
  /** What it is called; no two senses have one name. */
  readonly name: string
  /** Bytes of each patch of a frame, row by row: of 8×8 pixels in patches of 4×4, [16, 16, 16, 16]. */
  readonly patches: readonly number[]
  /** Patches of a row, a divisor of their number. */
  readonly columns: number
  /** Bytes of a patch before all others; none unless given. */
  readonly header?: number
  /** Frames of a piece; as many as come unless given. */
  readonly frames?: number
  /**
   * Probability, of that of a byte, with which text goes on with its token at first, from 0 to 1; 0, which is
   * for good, unless given: then a piece begins where it is told to, and no row may have text before it.
   */
  readonly share?: number
  /** Width of a byte inside a patch, in a new front; 16 unless given. */
  readonly byteEmbed?: number
  /** Width of the local decoder of a new front, a multiple of 16; 64 unless given. */
  readonly localEmbed?: number
  /** Blocks of the local decoder of a new front; 1 unless given. */
  readonly localLayers?: number
  /**
   * Width of what the local decoder of a new front is told of the patches beside the one that it writes; 0,
   * which is nothing, unless given.
   */
  readonly besideEmbed?: number
  /**
   * In how many ways each byte that the local decoder of a new front writes is told of each byte of the
   * patches beside it and of those before it in its own; 0, which is in none, unless given. With it, bytes
   * that it reads look like those near them from the first step on.
   */
  readonly mixing?: number
}

/** Longer sequences. */
export interface GrowContext {
  readonly kind: 'growContext'
  /** Tokens afterwards; more than now. */
  readonly to: number
  /**
   * Place of the new positions. `appended` unless given: a model that learns on ends best with it (`npm run
   * bench -- context`).
   *
   * - `appended`: after the old ones, which stay as they are: predictions within the old context stay the
   *   same. Learned positions start at random, rotary ones go on at their frequencies, to angles that were
   *   never learnt.
   * - `repeated`, for learned positions: after the old ones too, and each like an old one, in turn (Beltagy
   *   et al. 2020, section 5): what was learnt about neighbors goes on, beside what it now takes for them.
   * - `stretched`: between the old ones, which move apart. A learned position between two is a mix of them,
   *   and rotary frequencies fall as the context grows (position interpolation, Chen et al. 2023, eq. 4). Not
   *   exact: neighbors stand closer than was learnt.
   * - `byParts`, for rotary positions: only pairs that turn slowly are stretched; those that turn often
   *   within the old context tell neighbors apart, and stay (NTK-by-parts, Peng et al. 2023, YaRN, section
   *   3.2). Not exact.
   */
  readonly how?: 'appended' | 'repeated' | 'stretched' | 'byParts'
}

/**
 * A low-rank adapter beside every linear map of one block (query, key, value, output; gate, up and down of
 * every expert), or more rank for the one that is there.
 */
export interface AddAdapter {
  readonly kind: 'addAdapter'
  readonly block: string
  /** Rank afterwards; more than now, which is 0 without an adapter. */
  readonly to: number
  /**
   * LoRA alpha: the output of a new adapter is scaled by alpha / `to` (Hu et al. 2022). Finite, not 0; `to`
   * unless given. An adapter that is there keeps its scale.
   */
  readonly alpha?: number
}

/**
 * Several experts in the place of one block's MLP, or more of them. Each computes each token, and a router
 * weights their outputs.
 */
export interface AddExperts {
  readonly kind: 'addExperts'
  readonly block: string
  /** Experts afterwards; more than now, which is 1 where there is a plain MLP. */
  readonly to: number
}

/**
 * Fewer hidden units in the MLP of one block, in all its experts. Predictions change, unless the
 * units wrote nothing.
 */
export interface PruneUnits {
  readonly kind: 'pruneUnits'
  readonly block: string
  /** The units to drop, by number from 0, each once; one must stay. */
  readonly drop: readonly number[]
}

/**
 * Fewer query heads in one block, and their keys and values with them. Where these are shared, groups must
 * stay equally large: whole groups go, or as many heads of each group that stays.
 */
export interface PruneHeads {
  readonly kind: 'pruneHeads'
  readonly block: string
  /** The heads to drop, by number from 0, each once; one must stay. */
  readonly drop: readonly number[]
}

/** One block less; one must stay. */
export interface PruneLayer {
  readonly kind: 'pruneLayer'
  readonly block: string
}

/**
 * A request: a kind, which says what happens, and the fields of that kind.
 *
 * - `widenMlp`, `pruneUnits`: more or fewer hidden units in the MLP of a block.
 * - `addHeads`, `pruneHeads`: more or fewer query heads in a block. `addKvHeads`: more heads of keys and
 *   values. `widenHeads`: wider ones.
 * - `addLayer`, `pruneLayer`: one block more or less. `copyLayers`: copies of trained blocks.
 * - `widenEmbed`: a wider residual stream.
 * - `growVocabulary`: more tokens. `growContext`: longer sequences. `addSense`: bytes of another sense, in
 *   patches.
 * - `addAdapter`: a low-rank adapter in a block, or more rank. `addExperts`: several MLPs in a block, or more
 *   of them.
 */
export type GrowthRequest =
  | WidenMlp
  | AddHeads
  | AddKvHeads
  | WidenHeads
  | AddLayer
  | CopyLayers
  | WidenEmbed
  | GrowVocabulary
  | GrowContext
  | AddSense
  | AddAdapter
  | AddExperts
  | PruneUnits
  | PruneHeads
  | PruneLayer

/** The kinds of requests. */
export type GrowthKind = GrowthRequest['kind']

/** The request of one kind. */
export type RequestOfKind<Kind extends GrowthKind> = Extract<GrowthRequest, { readonly kind: Kind }>
