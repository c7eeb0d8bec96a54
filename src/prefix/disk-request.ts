/** From a planned disk to what the disk room is asked to make. */
import type { DiskRequest } from '../disk/create.js'
import type { DiskPlan } from '../plan/types.js'

/** `expand`: from a path as written in the init file to an absolute one. */
export function diskRequest({ spec, path, backing }: DiskPlan, expand: (rawPath: string) => string): DiskRequest {
  switch (spec.type) {
    case 'layered':
      if (backing?.path !== expand(spec.rawPath)) return { kind: 'in-place', path } // taken over, see import-layers.ts
      return { kind: 'overlay', path, backing }
    case 'template':
      if (backing === undefined) throw new Error(`unreachable: disk ${spec.name} was planned without its backing file`)
      return { kind: 'overlay', path, backing }
    case 'empty':
      return { kind: 'empty', path, format: spec.format, sizeBytes: spec.sizeBytes }
    case 'file':
      return spec.copy ? { kind: 'copy', path, fromPath: expand(spec.rawPath) } : { kind: 'in-place', path }
  }
}
