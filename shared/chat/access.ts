/** What members may do, by their access. */

/** Access, highest first. */
export const accessLevels = ['owner', 'admin', 'writer', 'reader'] as const

export type Access = (typeof accessLevels)[number]

export function parseAccess(value: unknown): Access | undefined {
  return accessLevels.find((level) => level === value)
}

/** Whether `access` is at least `needed`. Nobody's access, undefined, is below all. */
export function hasAccess(access: Access | undefined, needed: Access): boolean {
  return access !== undefined && accessLevels.indexOf(access) <= accessLevels.indexOf(needed)
}
