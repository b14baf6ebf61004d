/** A kernel as data: its bindings, the numbers of each call, and its body; and the WGSL made of it. */

/** The type of a number that comes with each call. */
export type ParameterType = 'u32' | 'i32' | 'f32'

/**
 * Buffers by name, in the order of the call. A buffer of `vec4f` holds the same numbers as one of `f32`, read
 * by fours.
 */
export type Bindings = Readonly<Record<string, `${'read' | 'write'} ${'f32' | 'i32' | 'vec4f'}`>>

/** A feature that a kernel needs beyond the core of WGSL. */
export type Extension = 'half precision' | 'tensor cores'

export interface KernelSource {
  readonly bindings: Bindings
  /** Numbers that the body reads as `params.name`. Sizes are parameters, so that growth compiles nothing. */
  readonly parameters: Readonly<Record<string, ParameterType>>
  /** Number of invocations in a workgroup. Default 64. */
  readonly workgroup?: number
  readonly needs?: readonly Extension[]
  /** Declarations outside the function: shared memory and functions. */
  readonly declarations?: string
  /**
   * Statements. They know `index` (the number of this invocation among all), `local` (among those of its
   * workgroup), `group` (the number of the workgroup) and, with tensor cores, `subgroup` (the number of its
   * 32 invocations in the workgroup).
   */
  readonly body: string
}

const directives: Record<Extension, string> = {
  'half precision': 'enable f16;',
  // The subgroup's number decides which subgroup runs a statement; the compiler takes it for a number that
  // varies within the subgroup.
  'tensor cores': `enable subgroups;
enable subgroup_size_control;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity);`,
}

/** Number of invocations in a workgroup unless a kernel says otherwise. */
export const defaultWorkgroup = 64

/**
 * Writes the module. Parameters are binding 0, buffers those behind it. One more parameter is `zero`, which
 * only the caller knows to be 0: compilers may assume that nothing is infinite or NaN, but not of numbers
 * that they cannot see.
 */
export function wgslOf({ bindings, parameters, workgroup, needs, declarations, body }: KernelSource): string {
  const hasTensorCores = needs?.includes('tensor cores') === true
  const fields = Object.entries(parameters).map(([name, type]) => `  ${name}: ${type},`)
  const buffers = Object.entries(bindings).map(([name, kind], i) => {
    const [access, type] = kind.split(' ')
    const mode = access === 'read' ? 'read' : 'read_write'
    return `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${name}: array<${type}>;`
  })
  return `${(needs ?? []).map((extension) => directives[extension]).join('\n')}
struct Params {
${[...fields, '  zero: u32,'].join('\n')}
}
@group(0) @binding(0) var<uniform> params: Params;
${buffers.join('\n')}
${declarations ?? ''}
@compute @workgroup_size(${workgroup ?? defaultWorkgroup}) ${hasTensorCores ? '@subgroup_size(32)' : ''}
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
  ${hasTensorCores ? '@builtin(subgroup_id) subgroup: u32,' : ''}
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let index = group * ${workgroup ?? defaultWorkgroup}u + local;
${body}
}
`
}
