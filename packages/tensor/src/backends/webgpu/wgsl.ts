/** A kernel as data: what it binds, what numbers it gets with each call, and its body; and the WGSL made of it. */

/** The type of a number that comes with each call. */
export type ParameterType = 'u32' | 'i32' | 'f32'

/** Buffers by name, in the order of the call. */
export type Bindings = Readonly<Record<string, 'read f32' | 'read i32' | 'write f32' | 'write i32'>>

export interface KernelSource {
  readonly bindings: Bindings
  /** Read in the body as `params.name`. Sizes are parameters, so that growth compiles nothing. */
  readonly parameters: Readonly<Record<string, ParameterType>>
  /** Invocations of a workgroup; 64 unless given. */
  readonly workgroup?: number
  /** Declarations outside the function: shared memory and functions. */
  readonly declarations?: string
  /**
   * Statements. They know `index` (the number of this invocation among all), `local` (among those of its workgroup) and `group`
   * (the number of the workgroup).
   */
  readonly body: string
}

/** Invocations of a workgroup unless a kernel says otherwise. */
export const defaultWorkgroup = 64

/**
 * The module's text. Parameters are binding 0, buffers those behind it. One parameter more is `zero`, which only the caller knows to
 * be 0: compilers may take for granted that nothing is infinite or NaN, but not what they cannot see.
 */
export function wgslOf({ bindings, parameters, workgroup, declarations, body }: KernelSource): string {
  const fields = Object.entries(parameters).map(([name, type]) => `  ${name}: ${type},`)
  const buffers = Object.entries(bindings).map(([name, kind], i) => {
    const [access, type] = kind.split(' ')
    const mode = access === 'read' ? 'read' : 'read_write'
    return `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${name}: array<${type}>;`
  })
  return `struct Params {
${[...fields, '  zero: u32,'].join('\n')}
}
@group(0) @binding(0) var<uniform> params: Params;
${buffers.join('\n')}
${declarations ?? ''}
@compute @workgroup_size(${workgroup ?? defaultWorkgroup})
fn main(
  @builtin(local_invocation_index) local: u32,
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) workgroups: vec3u,
) {
  let group = workgroup.y * workgroups.x + workgroup.x;
  let index = group * ${workgroup ?? defaultWorkgroup}u + local;
${body}
}
`
}
